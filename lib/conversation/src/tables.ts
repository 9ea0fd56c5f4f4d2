import type { Of } from "@jichat/protocol/field.ts";
import { readerOf } from "@jichat/protocol/field.ts";
import type { EventKind } from "@jichat/protocol/frame/server-frame.ts";
import { create, created, invite, joined, leave, left, remove, rename, renamed } from "./groups.ts";
import type { Facet } from "./facet.ts";
import type { Kind } from "./kind.ts";
import { edit, edited, lost, message, recall, recalled, send } from "./messages.ts";
import { mute, unmute } from "./mute.ts";
import { pin, pinned, pins, unpin, unpinned } from "./pin.ts";
import { read } from "./reading.ts";
import type { AnyVerb } from "./verb.ts";

/**
 * Everything that a client may write, one row per verb. A row is all that the product needs to know of a
 * verb.
 */
export const VERBS = {
  send,
  edit,
  recall,
  create,
  rename,
  invite,
  remove,
  leave,
  read,
  pin,
  unpin,
  mute,
  unmute,
} as const;

/** Every kind of event that the log may hold. Exhaustive by type, since readers receive these kinds. */
export const KINDS: Readonly<Record<EventKind, Kind>> = {
  message,
  edited,
  recalled,
  created,
  joined,
  left,
  renamed,
  lost,
  pinned,
  unpinned,
};

/** The kind of that name; `undefined` if a newer version wrote a kind that this build does not know. */
export const kindOf = (name: string): Kind | undefined =>
  Object.hasOwn(KINDS, name) ? KINDS[name as EventKind] : undefined;

/** Facets: parts of a conversation's state that belong to verbs and kinds. */
export const FACETS: readonly Facet<unknown>[] = [pins];

export type VerbName = keyof typeof VERBS;
export type FieldsOf<V extends VerbName> = Of<(typeof VERBS)[V]["frame"]>;

export const VERB_NAMES = Object.keys(VERBS) as readonly VerbName[];
export const isVerb = (text: string): text is VerbName => Object.hasOwn(VERBS, text);

export const verbOf = (name: VerbName): AnyVerb => VERBS[name] as unknown as AnyVerb;

/** Readers of the frames, built at load. */
export const READERS = Object.fromEntries(
  VERB_NAMES.map((name) => [name, readerOf(verbOf(name).frame)]),
) as unknown as { readonly [V in VerbName]: ReturnType<typeof readerOf<(typeof VERBS)[V]["frame"]>> };
