import type { FacetValues, State, View } from "@jichat/conversation/state.ts";
import type { KeptSettings, OwnSettings } from "@jichat/protocol/frame/server-frame.ts";
import type { ConversationFacts } from "@jichat/protocol/bus/query.ts";
import { isDirect } from "@jichat/protocol/ids.ts";
import type { ConversationShot } from "@jichat/protocol/log/snapshot.ts";
import { RecentEvents } from "./recent-events.ts";

export interface Member {
  /** The member sees events from this seq on. */
  readonly first: number;
  /** Read up to here; `markNo` is the `no` of that event. */
  mark: number;
  markNo: number;
  settings?: KeptSettings | undefined;
}

/** A place in a conversation. */
interface At {
  readonly seq: number;
  readonly no: number;
}

/** The plain data of a hot conversation, as facts and snapshots hold it. */
export type Outline = Pick<
  ConversationShot,
  "id" | "name" | "creator" | "head" | "no" | "ts" | "position"
> & {
  readonly facets?: FacetValues | undefined;
};

/**
 * A hot conversation in its owner's memory. `head` is 0 if it is known not to exist. When members change, the
 * membership map is replaced, never modified: effects keep the map of their event.
 */
export class Conversation implements State, View {
  readonly id: string;
  readonly kind: "direct" | "group";
  name: string | undefined;
  creator: string;
  head: number;
  no: number;
  ts: number;
  position: number;
  facets: FacetValues;
  members: ReadonlyMap<string, Member>;
  readonly recent: RecentEvents;

  constructor(outline: Outline, members: ReadonlyMap<string, Member>, recent: RecentEvents) {
    this.id = outline.id;
    this.kind = isDirect(outline.id) ? "direct" : "group";
    this.name = outline.name;
    this.creator = outline.creator;
    this.head = outline.head;
    this.no = outline.no;
    this.ts = outline.ts;
    this.position = outline.position;
    this.facets = outline.facets ?? NO_FACETS;
    this.members = members;
    this.recent = recent;
  }

  join(users: readonly string[], { seq, no }: At): void {
    const next = new Map(this.members);
    for (const user of users) next.set(user, { first: seq, mark: seq, markNo: no });
    this.members = next;
  }

  leave(users: readonly string[]): void {
    const gone = new Set(users);
    this.members = new Map([...this.members].filter(([user]) => !gone.has(user)));
  }

  mark(user: string, { seq, no }: At): void {
    const member = this.members.get(user);
    if (member === undefined || seq <= member.mark) return;
    member.mark = seq;
    member.markNo = no;
  }

  /** Replaces a member's own settings. They end with the membership. */
  set(user: string, settings: OwnSettings | undefined, position: number): void {
    const member = this.members.get(user);
    if (member !== undefined) member.settings = { ...settings, at: position };
  }

  recall(seq: number): void {
    this.recent.recall(seq);
  }
}

const NO_FACETS: FacetValues = {};

/** A conversation that was never written to. Nothing older exists, so every id is known. */
export const newConversation = (id: string): Conversation =>
  new Conversation(
    { id, name: undefined, creator: "", head: 0, no: 0, ts: 0, position: 0 },
    new Map(),
    new RecentEvents(0, 0),
  );

/** A conversation from storage's facts. For ids older than those in the facts, storage is asked. */
export function loadedConversation(facts: ConversationFacts): Conversation {
  const { conversation: id, name, idsFrom, ids, members, ...rest } = facts;
  const recent = new RecentEvents(facts.ts, idsFrom);
  for (const { user, id: known, seq, ts } of ids.toSorted((a, b) => a.seq - b.seq))
    recent.addId(user, known, { seq, ts, position: 0 });
  const byUser = new Map(
    members.map(({ user, first, mark, markNo, settings }): [string, Member] => [
      user,
      settings === undefined ? { first, mark, markNo } : { first, mark, markNo, settings },
    ]),
  );
  return new Conversation({ id, name, ...rest }, byUser, recent);
}
