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
import type { DirectConversations } from "./direct-conversations.ts";
import type { Session } from "./session.ts";
import { tooFast } from "./too-fast.ts";
import type { World } from "./world.ts";

/**
 * The conversation that a frame writes to; for a first message and a new group it is computed, not looked
 * up.
 */
export function conversationOf(frame: WriteFrame, user: string, directs: DirectConversations): string {
  switch (frame.t) {
    case "send":
      return frame.conversation ?? directs.of(user, frame.to ?? "");
    case "create":
      return groupConversation(user, frame.id);
    default:
      return frame.conversation;
  }
}

/** What a write needs of the world. */
export type IngressWorld = Pick<
  World,
  "admission" | "byteBuckets" | "directs" | "memberBuckets" | "messageBuckets" | "wakeful"
> & {
  readonly lanes: Pick<World["lanes"], "submit">;
  readonly metrics: Pick<World["metrics"], "acked">;
};

/** Notes a retryable refusal of a send that nobody looked at: later ones to that conversation share it. */
export function refuseSend(
  world: IngressWorld,
  session: Session,
  frame: FrameOf<"send">,
  refusal: Refused,
): void {
  const conversation = conversationOf(frame, session.user, world.directs);
  const place = session.gate.place(conversation, frame.id);
  noteRefusal({ world, session, frame, conversation, place }, refusal);
}

/** What became of a write, or why it was refused. */
type Outcome = Exclude<Answer, "later">;

/** A write: what it is, and where it stands among its socket's sends. */
interface Placed {
  readonly world: IngressWorld;
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
  world: IngressWorld,
  session: Session,
  frame: WriteFrame,
  trace: Trace,
  bytes: number,
): Promise<void> {
  const { user } = session;
  const conversation = conversationOf(frame, user, world.directs);
  const place = frame.t === "send" ? session.gate.place(conversation, frame.id) : 0;
  const writing: Writing = { world, session, frame, conversation, place, trace };
  const started = systemClock.monotonic();
  const shared = gated(writing);
  const refusal =
    shared === undefined ? (tooFast(world, session, bytes) ?? tooManyMembers(world, user, frame)) : undefined;
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
  world.metrics.acked(systemClock.monotonic() - started);
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
  const { world, session, conversation, frame } = writing;
  const verdict = world.admission.of(session, conversation, frame);
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
  const { world, session, conversation, trace } = writing;
  const { user, device, id } = session;
  return world.lanes.submit(
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
function noteRefusal({ world, session, frame, conversation, place }: Placed, refusal: Refused): void {
  if (frame.t !== "send") return;
  session.gate.refused(conversation, frame.id, place, refusal, world.wakeful.now());
  endIfFull(session);
}

/** Nobody waits for what was answered for good, not even where a copy of it was refused meanwhile. */
function noteEnd({ world, session: { gate }, frame, conversation }: Placed, answer: Outcome): void {
  if (frame.t !== "send" || gate.isIdle || isRetryableRefusal(answer)) return;
  gate.settled(conversation, frame.id, world.wakeful.now());
}

function gated({ world, session, frame, conversation, place }: Placed): Refused | undefined {
  if (frame.t !== "send" || session.gate.isIdle) return undefined;
  const shared = session.gate.admit(conversation, frame.id, place, world.wakeful.now());
  endIfFull(session);
  return shared;
}

function endIfFull(session: Session): void {
  if (session.gate.isFull) session.close(CLOSE.tooMany, "too many refused sends have not come again");
}

function tooManyMembers(world: IngressWorld, user: string, frame: WriteFrame): Refused | undefined {
  const { moves, named } = verbOf(frame.t);
  if (moves === undefined || named === undefined) return undefined;
  return chargeMembers(world.memberBuckets, user, named(frame).length, systemClock.monotonic());
}
