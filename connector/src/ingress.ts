import type { Command, CommandSource, Refused } from "@jichat/protocol/bus/command.ts";
import { errorOf, isRefused } from "@jichat/protocol/bus/command.ts";
import { systemClock } from "@jichat/protocol/clock.ts";
import type { Send, WriteFrame } from "@jichat/protocol/frame/client-frame.ts";
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
  const { user, device, id, gate } = session;
  const conversation = conversationOf(frame, user, world.directs);
  const isSend = frame.t === "send";
  const ordinal = isSend ? gate.next() : 0;
  const started = systemClock.monotonic();
  const shared = isSend ? gate.check(conversation, frame.id, world.wakeful.now()) : undefined;
  const refusal = shared === undefined ? tooFast(world, session, bytes) : undefined;
  if (isSend && refusal !== undefined)
    gate.refused(conversation, frame.id, ordinal, refusal, world.wakeful.now());
  const answer =
    shared ??
    refusal ??
    (await world.lanes.submit(
      commandOf(frame, { conversation, user, device, session: id, trace: traceparentOf(trace.span) }),
      {
        isOpen: () => session.isOpen,
        ...(isSend
          ? {
              refused: (_: Command, refused: Refused) => {
                gate.refused(conversation, frame.id, ordinal, refused, world.wakeful.now());
              },
            }
          : {}),
      },
    ));
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
