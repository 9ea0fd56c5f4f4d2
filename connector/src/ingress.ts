import { isRetryableRefusal } from "@jichat/edge/command-lane.ts";
import { chargeMembers } from "@jichat/identity/people-config.ts";
import type { Command } from "@jichat/conversation/command.ts";
import { commandOf } from "@jichat/conversation/command.ts";
import { addedBy } from "@jichat/conversation/named.ts";
import type { Answer, Refused } from "@jichat/protocol/bus/command.ts";
import { errorOf, isRefused, refusalOf } from "@jichat/protocol/bus/command.ts";
import { systemClock } from "@jichat/protocol/clock.ts";
import { CLOSE, asChatError } from "@jichat/protocol/errors.ts";
import type { FrameOf, WriteFrame } from "@jichat/conversation/client-frame.ts";
import { groupConversation } from "@jichat/protocol/ids.ts";
import { traceparentOf } from "@jichat/runtime/telemetry.ts";
import type { Trace } from "@jichat/runtime/telemetry.ts";
import type { Lanes } from "@jichat/edge/lanes.ts";
import type { TokenBuckets } from "@jichat/runtime/token-bucket.ts";
import type { WakefulClock } from "@jichat/runtime/wakeful-clock.ts";
import type { Admission } from "./admission.ts";
import type { DirectConversations } from "./direct-conversations.ts";
import type { ConnectorMetrics } from "./metrics.ts";
import type { Session } from "./session.ts";
import type { UserBuckets } from "./too-fast.ts";
import { tooFast } from "./too-fast.ts";

/**
 * The conversation that a frame writes to. For a first message and a new group the id is computed, not looked
 * up.
 */
function conversationOf(frame: WriteFrame, user: string, directs: Pick<DirectConversations, "of">): string {
  switch (frame.t) {
    case "send":
      return frame.conversation ?? directs.of(user, frame.to ?? "");
    case "create":
      return groupConversation(user, frame.id);
    default:
      return frame.conversation;
  }
}

export interface IngressParts extends UserBuckets {
  readonly admission: Pick<Admission, "of">;
  readonly directs: Pick<DirectConversations, "of">;
  /** By user. */
  readonly memberBuckets: TokenBuckets;
  readonly lanes: Pick<Lanes, "submit">;
  readonly metrics: Pick<ConnectorMetrics, "acked">;
  /**
   * The clock for the order of sends. It excludes time in which this process was suspended: devices could not
   * resend then.
   */
  readonly wakeful: Pick<WakefulClock, "now">;
}

/** A frame's trace, and its size in bytes. */
export interface FrameContext {
  readonly trace: Trace;
  readonly bytes: number;
}

/**
 * Records a retryable refusal of a send that was not looked at further. Later sends to that conversation
 * share it.
 */
export function refuseSend(
  parts: IngressParts,
  session: Session,
  frame: FrameOf<"send">,
  refusal: Refused,
): void {
  const conversation = conversationOf(frame, session.user, parts.directs);
  const place = session.gate.place(conversation, frame.id);
  noteRefusal({ parts, session, frame, conversation, place }, refusal);
}

/** A write's result or its refusal. */
type Outcome = Exclude<Answer, "later">;

/** A write, and its place among its socket's sends. */
interface Placed {
  readonly parts: IngressParts;
  readonly session: Session;
  readonly frame: WriteFrame;
  readonly conversation: string;
  readonly place: number;
}

/** A write in progress. */
interface Writing extends Placed {
  readonly trace: Trace;
}

/**
 * Sends a write to its conversation's owner and writes the ack. Throws a refusal as a ChatError. A send that
 * only shares the refusal of an earlier one does not count against its user's limits.
 */
export async function write(
  parts: IngressParts,
  session: Session,
  frame: WriteFrame,
  { trace, bytes }: FrameContext,
): Promise<void> {
  const { user } = session;
  const conversation = conversationOf(frame, user, parts.directs);
  const place = frame.t === "send" ? session.gate.place(conversation, frame.id) : 0;
  const writing: Writing = { parts, session, frame, conversation, place, trace };
  const started = systemClock.monotonic();
  const shared = gated(writing);
  const refusal =
    shared === undefined ? (tooFast(parts, session, bytes) ?? tooManyMembers(parts, user, frame)) : undefined;
  if (refusal !== undefined) noteRefusal(writing, refusal);
  let answer: Outcome | undefined = shared ?? refusal;
  try {
    answer ??= await admitted(writing);
  } catch (thrown) {
    noteRefusal(writing, refusalOf(asChatError(thrown))); // A defect becomes INTERNAL, which is retryable.
    throw thrown;
  }
  noteEnd(writing, answer);
  if (isRefused(answer)) throw errorOf(answer);
  parts.metrics.acked(systemClock.monotonic() - started);
  if (frame.id === undefined) return;
  session.write({
    t: "ack",
    id: frame.id,
    conversation,
    seq: answer.seq,
    ts: answer.ts,
    duplicate: answer.duplicate,
    traceId: trace.traceId,
  });
}

/** Not async: a frame that needs no check must go on in the turn in which it arrived. */
function admitted(writing: Writing): Promise<Outcome> {
  const { parts, session, conversation, frame } = writing;
  const verdict = parts.admission.of(session, conversation, frame);
  return verdict === undefined ? submit(writing, frame) : behind(writing, verdict);
}

/**
 * Continues once the check has its answer. If an earlier send was refused meanwhile, this one shares the
 * refusal, as if it had arrived only now.
 */
async function behind(writing: Writing, held: Promise<Refused | undefined>): Promise<Outcome> {
  const verdict = await held;
  const shared = gated(writing);
  if (shared !== undefined) return shared;
  const { frame } = writing;
  if (verdict === undefined) return submit(writing, frame);
  if (frame.t === "send" && verdict.code === "NOT_FOUND") {
    // A conversation that was created before names were checked stays usable, and an `id` that it has is
    // still acked.
    const answer = await submit(writing, { ...frame, to: undefined });
    return isRefused(answer) && answer.code === "NOT_FOUND" ? verdict : answer;
  }
  if (isRetryableRefusal(verdict)) noteRefusal(writing, verdict);
  return verdict;
}

function submit(writing: Writing, frame: WriteFrame): Promise<Outcome> {
  const { parts, session, conversation, trace } = writing;
  const { user, device, id } = session;
  return parts.lanes.submit(
    commandOf(frame, { conversation, user, device, session: id, trace: traceparentOf(trace.span) }),
    {
      isOpen: () => session.isOpen,
      ...(frame.t === "send"
        ? {
            refused: (_: Command, refused: Refused) => {
              noteRefusal(writing, refused);
            },
          }
        : {}),
    },
  );
}

/** Later sends to this conversation share the refusal until this send comes again (ADR 0010). */
function noteRefusal({ parts, session, frame, conversation, place }: Placed, refusal: Refused): void {
  if (frame.t !== "send") return;
  session.gate.refused(conversation, frame.id, { place, refusal, now: parts.wakeful.now() });
  endIfFull(session);
}

/** Removes a send with a final answer from the gate, even if a copy of it was refused meanwhile. */
function noteEnd({ parts, session: { gate }, frame, conversation }: Placed, answer: Outcome): void {
  if (frame.t !== "send" || gate.isIdle || isRetryableRefusal(answer)) return;
  gate.settled(conversation, frame.id, parts.wakeful.now());
}

function gated({ parts, session, frame, conversation, place }: Placed): Refused | undefined {
  if (frame.t !== "send" || session.gate.isIdle) return undefined;
  const shared = session.gate.admit(conversation, frame.id, place, parts.wakeful.now());
  endIfFull(session);
  return shared;
}

function endIfFull(session: Session): void {
  if (session.gate.isFull) session.close(CLOSE.tooMany, "too many refused sends were not sent again");
}

function tooManyMembers(parts: IngressParts, user: string, frame: WriteFrame): Refused | undefined {
  const added = addedBy(frame);
  return added === 0 ? undefined : chargeMembers(parts.memberBuckets, user, added, systemClock.monotonic());
}
