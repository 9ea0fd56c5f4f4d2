import type { Ack, Muted } from "@jichat/protocol/frame/server-frame.ts";
import type { Inbox } from "./inbox.ts";
import type { Draft } from "./outbox.ts";
import type { MuteOptions } from "./types.ts";

/**
 * Frames whose ack names the event that they made. The ack of any other write that changed nothing names the
 * head.
 */
const OWN_EVENT: ReadonlySet<string> = new Set(["send", "edit", "recall", "create", "rename"]);

/** Tells the inbox what the ack of `frame` says. With `echo`, the frame's event comes as well. */
export function tellOfAck(
  inbox: Pick<Inbox, "own" | "settings">,
  frame: Draft,
  { conversation, seq, duplicate }: Ack,
  echo: boolean,
): void {
  if (!echo && OWN_EVENT.has(frame.t)) inbox.own(conversation, seq);
  // The ack of a repeated write says nothing of what the settings are now.
  if (duplicate === true) return;
  if (frame.t === "mute") inbox.settings(conversation, mutedBy(frame));
  if (frame.t === "unmute") inbox.settings(conversation, undefined);
}

const mutedBy = ({ until, mentionsOnly }: MuteOptions): Muted => ({
  ...(until === undefined ? {} : { until }),
  ...(mentionsOnly === true ? { mentionsOnly } : {}),
});
