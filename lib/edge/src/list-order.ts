import { mutedAt } from "@jichat/conversation/muted.ts";
import { shownFacets } from "@jichat/conversation/shown-facets.ts";
import type { HeadEntry, ListEntry } from "@jichat/protocol/bus/query.ts";
import type { BodyText } from "@jichat/protocol/frame/body.ts";
import type { LeftConversation, ListedConversation } from "@jichat/protocol/frame/server-frame.ts";
import { partitionOf } from "@jichat/protocol/ids.ts";
import type { StoredHead } from "@jichat/presence/presence-texts.ts";
import type { Positions } from "./cursor.ts";

/** A conversation of a user's list, with what is needed to order it. */
export interface Known {
  readonly entry: ListEntry;
  readonly head: StoredHead | undefined;
}

export type Listed = ListedConversation<BodyText> | LeftConversation;

/** Without a cursor the list has current conversations. With one it also has those left since. */
export function isListed({ entry, head }: Known, since: Positions | undefined, partitions: number): boolean {
  if (since === undefined) return entry.left === undefined;
  const seen = since[partitionOf(entry.conversation, partitions)] ?? 0;
  return entry.position > seen || (entry.left === undefined && head !== undefined && head.position > seen);
}

export const tsOf = ({ head, entry }: Known): number => (entry.left === undefined ? (head?.ts ?? 0) : 0);

/** Most recently active first. */
export const byActivity = (a: Known, b: Known): number =>
  tsOf(b) - tsOf(a) || (a.entry.conversation < b.entry.conversation ? -1 : 1);

export const isBehind = (known: Known, ts: number, after: string): boolean =>
  tsOf(known) < ts || (tsOf(known) === ts && known.entry.conversation > after);

/** Who receives a list, and when (milliseconds since 1970). */
export interface ToldTo {
  readonly user: string;
  readonly now: number;
}

/** The entry as its user receives it. The head may be newer than the entry. */
export function listed(entry: ListEntry, head: HeadEntry | undefined, { user, now }: ToldTo): Listed {
  const { conversation, left, first, mark } = entry;
  if (left !== undefined || head === undefined) return { conversation, left: left ?? 0 };
  const peer = head.pair?.find((other) => other !== user) ?? (head.pair === undefined ? undefined : user);
  const muted = mutedAt(entry.settings, now);
  return {
    conversation,
    kind: head.kind,
    ...(head.name === undefined ? {} : { name: head.name }),
    ...(peer === undefined ? {} : { peer }),
    first,
    head: head.seq,
    read: mark,
    unread: Math.max(0, head.no - entry.markNo),
    ...(muted === undefined ? {} : { muted }),
    ...(entry.settings === undefined ? {} : { settingsAt: entry.settings.at }),
    ...shownFacets(head.facets, first),
    ...(head.last === undefined ? {} : { last: head.last }),
  };
}
