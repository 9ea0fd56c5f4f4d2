import { jsonFrame } from "../frame/codec.ts";
import type { KeptSettings } from "../frame/server-frame.ts";

/**
 * A frame for live sessions that is stored nowhere. Delivery is best effort: a notice may be shed under load,
 * and no gap replaces it. A session that missed it learns the same from the next `sync`, or from the next
 * notice with the same key.
 */
export interface Notice {
  /** The frame in JSON. The sender encodes it once for all readers. */
  readonly frame: string;
  /** Users whose sessions receive it. */
  readonly users: readonly string[];
  /** If present, only this session of `users` receives it. */
  readonly session?: string | undefined;
  /** The session that caused it. It never receives the notice. */
  readonly origin?: string | undefined;
  /** The subject of the notice. Of all notices with one key, only the one with the highest `order` counts. */
  readonly key: string;
  /** Rises with each notice of one key. Of two with the same order in one unit the later one counts. */
  readonly order: number;
}

/** A read mark that moved, in the form that level 0 writes on the bus. */
export interface DeliveredMark {
  readonly conversation: string;
  readonly user: string;
  readonly seq: number;
  readonly origin?: string | undefined;
}

/**
 * A notice for a user's other devices: how far that user has read. A mark never moves back, so its seq is the
 * order.
 */
export const receiptOf = ({ conversation, user, seq, origin }: DeliveredMark): Notice => ({
  frame: jsonFrame({ t: "receipt", conversation, user, seq }),
  users: [user],
  origin,
  key: `receipt ${user} ${conversation}`,
  order: seq,
});

interface ChangedSettings {
  readonly conversation: string;
  readonly user: string;
  readonly settings: KeptSettings;
}

/**
 * A notice for all devices of a user: the user's own settings in a conversation. The one that changed them
 * receives it too. Its ack may come after a later change of another device, so only notices tell what stands.
 */
export const settingsNotice = ({ conversation, user, settings }: ChangedSettings): Notice => ({
  frame: jsonFrame({ t: "settings", conversation, ...settings }),
  users: [user],
  key: `settings ${user} ${conversation}`,
  order: settings.at,
});

/** The read mark in a receipt. `undefined` for any other notice: level 0 has no form for it. */
export function markOf({ frame, origin }: Notice): DeliveredMark | undefined {
  const read = JSON.parse(frame) as { readonly t: string } & DeliveredMark;
  if (read.t !== "receipt") return undefined;
  const { conversation, user, seq } = read;
  return { conversation, user, seq, ...(origin === undefined ? {} : { origin }) };
}
