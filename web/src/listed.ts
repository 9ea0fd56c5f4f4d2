import type { ChatEvent, ListedConversation } from "@jichat/protocol/frame/server-frame.ts";

/** A conversation as the list shows it. */
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

/** The other one of a 1-1 conversation, as its `created` or a first message tells; undefined for a group. */
export function peerOf({ conversation, users, from }: ChatEvent, me: string): string | undefined {
  if (!isDirect(conversation)) return undefined;
  return users?.find((user) => user !== me) ?? (from === me ? me : from);
}

/** A conversation that this event is the first to tell of. */
export function bornOf(event: ChatEvent, peer: string | undefined): ConversationRow {
  const { conversation: id, seq, name } = event;
  const kind = isDirect(id) ? "direct" : "group";
  return { ...NOTHING_READ, id, kind, name: name ?? peer ?? id, first: seq, head: 0 };
}

/** A 1-1 conversation that one's own first message has just made. */
export const directWith = (id: string, peer: string): ConversationRow => ({
  ...NOTHING_READ,
  id,
  kind: "direct",
  name: peer,
  first: 1,
  head: 1,
  read: 1,
});

/** A conversation as a sync tells it; a mark that this page made may be further. */
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
