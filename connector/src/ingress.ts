import { chargeMembers } from "@jichat/access/people-config.ts";
import type { Answer, Command, CommandSource, Refused } from "@jichat/protocol/bus/command.ts";
import { errorOf, isRefused } from "@jichat/protocol/bus/command.ts";
import { systemClock } from "@jichat/protocol/clock.ts";
import type { Send, WriteFrame } from "@jichat/protocol/frame/client-frame.ts";
import { groupConversation } from "@jichat/protocol/ids.ts";
import { traceparentOf } from "@jichat/runtime/telemetry.ts";
import type { Trace } from "@jichat/runtime/telemetry.ts";
import { namedBy } from "./admission.ts";
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

export function commandOf(frame: WriteFrame, source: CommandSource): Command {
  switch (frame.t) {
    case "send": {
      const { id, body, to, replyTo, mentions } = frame;
      return { ...source, op: "send", id, body, to, replyTo, mentions };
    }
    case "edit":
      return { ...source, op: "edit", id: frame.id, seq: frame.seq, body: frame.body };
    case "recall":
      return { ...source, op: "recall", id: frame.id, seq: frame.seq };
    case "create":
      return { ...source, op: "create", id: frame.id, name: frame.name, members: frame.members };
    case "rename":
      return { ...source, op: "rename", id: frame.id, name: frame.name };
    case "invite":
    case "remove":
      return { ...source, op: frame.t, id: frame.id, users: frame.users };
    case "leave":
      return { ...source, op: "leave", id: frame.id };
    case "read":
      return { ...source, op: "read", seq: frame.seq };
  }
}

/** Notes a retryable refusal of a send: later ones to that conversation share it. */
export function refuseSend(world: World, session: Session, frame: Send, refusal: Refused): void {
  const { user, gate } = session;
  gate.refused(
    conversationOf(frame, user, world.directs),
    frame.id,
    gate.next(),
    refusal,
    world.wakeful.now(),
  );
}

/** What became of a write, or why it was refused. */
type Outcome = Exclude<Answer, "later">;

/** A write on its way: what it is, and where it stands among its socket's sends. */
interface Writing {
  readonly world: World;
  readonly session: Session;
  readonly frame: WriteFrame;
  readonly conversation: string;
  readonly ordinal: number;
  readonly trace: Trace;
}

/**
 * Sends a write of so many bytes to its conversation's owner and writes the ack. What shares the refusal of
 * an earlier send costs its user nothing.
 */
export async function write(
  world: World,
  session: Session,
  frame: WriteFrame,
  trace: Trace,
  bytes: number,
): Promise<void> {
  const { user, gate } = session;
  const conversation = conversationOf(frame, user, world.directs);
  const ordinal = frame.t === "send" ? gate.next() : 0;
  const writing: Writing = { world, session, frame, conversation, ordinal, trace };
  const started = systemClock.monotonic();
  const shared = gated(writing);
  const refusal =
    shared === undefined ? (tooFast(world, session, bytes) ?? tooManyMembers(world, user, frame)) : undefined;
  if (refusal !== undefined) refuseBehind(writing, refusal);
  const answer = shared ?? refusal ?? (await admitted(writing));
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
  if (verdict.retryAfterMs !== undefined) refuseBehind(writing, verdict);
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
              refuseBehind(writing, refused);
            },
          }
        : {}),
    },
  );
}

/** Later sends to this conversation share it until this one comes again (ADR 0010). */
function refuseBehind({ world, session, frame, conversation, ordinal }: Writing, refusal: Refused): void {
  if (frame.t === "send") session.gate.refused(conversation, frame.id, ordinal, refusal, world.wakeful.now());
}

function gated({ world, session, frame, conversation }: Writing): Refused | undefined {
  return frame.t === "send" ? session.gate.check(conversation, frame.id, world.wakeful.now()) : undefined;
}

function tooManyMembers(world: World, user: string, frame: WriteFrame): Refused | undefined {
  if (frame.t !== "create" && frame.t !== "invite") return undefined;
  return chargeMembers(world.memberBuckets, user, namedBy(frame).length, systemClock.monotonic());
}
