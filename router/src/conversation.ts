import type { ConversationFacts } from "@jichat/protocol/bus/query.ts";
import { RecentEvents } from "./recent-events.ts";

export interface Member {
  /** The member sees events from this seq on. */
  readonly first: number;
  /** Read up to here; `markNo` is the `no` of that event. */
  mark: number;
  markNo: number;
}

/**
 * A hot conversation, as its owner decides on it. `head` 0 is one that is known not to exist. The membership
 * map is replaced, never changed, when somebody comes or goes: effects hold on to the one of their event.
 */
export interface Conversation {
  readonly id: string;
  kind: "direct" | "group";
  name: string | undefined;
  creator: string;
  head: number;
  no: number;
  ts: number;
  position: number;
  members: ReadonlyMap<string, Member>;
  readonly recent: RecentEvents;
}

/** One that was never written to: nothing older exists, so every id is known. */
export function newConversation(id: string): Conversation {
  return {
    id,
    kind: "group",
    name: undefined,
    creator: "",
    head: 0,
    no: 0,
    ts: 0,
    position: 0,
    members: new Map(),
    recent: new RecentEvents(0, 0),
  };
}

/** From storage's facts. Of older ids than those that came with them storage is asked. */
export function loadedConversation(facts: ConversationFacts): Conversation {
  const recent = new RecentEvents(facts.ts, facts.idsFrom);
  for (const { user, id, seq, ts } of facts.ids.toSorted((a, b) => a.seq - b.seq))
    recent.addId(user, id, { seq, ts, position: 0 });
  const members = new Map(
    facts.members.map(({ user, first, mark, markNo }) => [user, { first, mark, markNo }]),
  );
  return {
    id: facts.conversation,
    kind: facts.kind,
    name: facts.name,
    creator: facts.creator,
    head: facts.head,
    no: facts.no,
    ts: facts.ts,
    position: facts.position,
    members,
    recent,
  };
}
