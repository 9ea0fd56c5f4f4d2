import type { ChatEvent, ListedConversation } from "@jichat/protocol/frame/server-frame.ts";

/** A conversation as it appears in the list. */
export interface ConversationRow {
  readonly id: string;
  readonly kind: "direct" | "group";
  readonly name: string;
  readonly first: number;
  head: number;
  read: number;
  unread: number;
  last: ChatEvent | undefined;
  left: boolean;
}

const isDirect = (id: string): boolean => id.startsWith("d_");
const NOTHING_READ = { read: 0, unread: 0, last: undefined, left: false };

/**
 * The other member of a 1-1 conversation, from its `created` event or a first message; undefined for a group.
 */
export function peerOf({ conversation, users, from }: ChatEvent, me: string): string | undefined {
  if (!isDirect(conversation)) return undefined;
  return users?.find((user) => user !== me) ?? (from === me ? me : from);
}

/** A new row for a conversation whose first known event is this one. */
export function bornOf(event: ChatEvent, peer: string | undefined): ConversationRow {
  const { conversation: id, seq, name } = event;
  const kind = isDirect(id) ? "direct" : "group";
  return { ...NOTHING_READ, id, kind, name: name ?? peer ?? id, first: seq, head: 0 };
}

/** The row of a 1-1 conversation that the user's first message has just created. */
export const directWith = (id: string, peer: string): ConversationRow => ({
  ...NOTHING_READ,
  id,
  kind: "direct",
  name: peer,
  first: 1,
  head: 1,
  read: 1,
});

/** The row of a conversation from a sync. A read mark that this page has set may be ahead of the sync's. */
export const listedOf = (listed: ListedConversation, known: ConversationRow | undefined): ConversationRow => {
  const { conversation: id, kind, name, peer, first, head, read, unread, last } = listed;
  return {
    id,
    kind,
    name: kind === "group" ? (name ?? id) : (peer ?? id),
    first,
    head,
    read: Math.max(read, known?.read ?? 0),
    unread,
    last,
    left: false,
  };
};
