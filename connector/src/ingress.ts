import { isRetryableRefusal } from "@jichat/edge/command-lane.ts";
import { chargeMembers } from "@jichat/identity/people-config.ts";
import type { Command } from "@jichat/conversation/command.ts";
import { commandOf } from "@jichat/conversation/command.ts";
import { verbOf } from "@jichat/conversation/tables.ts";
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
 * The conversation that a frame writes to; for a first message and a new group it is computed, not looked
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

/** What a write needs. */
export interface IngressParts extends UserBuckets {
  readonly admission: Pick<Admission, "of">;
  readonly directs: Pick<DirectConversations, "of">;
  /** By user. */
  readonly memberBuckets: TokenBuckets;
  readonly lanes: Pick<Lanes, "submit">;
  readonly metrics: Pick<ConnectorMetrics, "acked">;
  /** For the order of sends: what this process slept through is no time that a device had. */
  readonly wakeful: Pick<WakefulClock, "now">;
}

/** How a frame came: in which trace, and of how many bytes. */
export interface FrameContext {
  readonly trace: Trace;
  readonly bytes: number;
}

/** Notes a retryable refusal of a send that nobody looked at: later ones to that conversation share it. */
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

/** What became of a write, or why it was refused. */
type Outcome = Exclude<Answer, "later">;

/** A write: what it is, and where it stands among its socket's sends. */
interface Placed {
  readonly parts: IngressParts;
  readonly session: Session;
  readonly frame: WriteFrame;
  readonly conversation: string;
  readonly place: number;
}

/** A write on its way. */
interface Writing extends Placed {
  readonly trace: Trace;
}

/**
 * Sends a write of so many bytes to its conversation's owner and writes the ack. What shares the refusal of
 * an earlier send costs its user nothing.
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
    noteRefusal(writing, refusalOf(asChatError(thrown))); // A defect: INTERNAL, and that is retryable.
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

/** Not async itself, as whom nobody has to be asked about goes on in the turn in which it came. */
function admitted(writing: Writing): Promise<Outcome> {
  const { parts, session, conversation, frame } = writing;
  const verdict = parts.admission.of(session, conversation, frame);
  return verdict === undefined ? submit(writing, frame) : behind(writing, verdict);
}

/** What was refused in front of it meanwhile, it shares; as if it had come only now. */
async function behind(writing: Writing, held: Promise<Refused | undefined>): Promise<Outcome> {
  const verdict = await held;
  const shared = gated(writing);
  if (shared !== undefined) return shared;
  const { frame } = writing;
  if (verdict === undefined) return submit(writing, frame);
  if (frame.t === "send" && verdict.code === "NOT_FOUND") {
    // A conversation that was made before names were checked goes on, and so does an `id` that it has.
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

/** Later sends to this conversation share it until this one comes again (ADR 0010). */
function noteRefusal({ parts, session, frame, conversation, place }: Placed, refusal: Refused): void {
  if (frame.t !== "send") return;
  session.gate.refused(conversation, frame.id, { place, refusal, now: parts.wakeful.now() });
  endIfFull(session);
}

/** Nobody waits for what was answered for good, not even where a copy of it was refused meanwhile. */
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
  if (session.gate.isFull) session.close(CLOSE.tooMany, "too many refused sends have not come again");
}

function tooManyMembers(parts: IngressParts, user: string, frame: WriteFrame): Refused | undefined {
  const { moves, named } = verbOf(frame.t);
  if (moves === undefined || named === undefined) return undefined;
  return chargeMembers(parts.memberBuckets, user, named(frame).length, systemClock.monotonic());
}
