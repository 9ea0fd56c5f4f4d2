import type { ConversationFacts, EventFacts } from "@jichat/protocol/bus/query.ts";
import { timeOfId } from "@jichat/protocol/ids.ts";
import { RECENT_EVENTS_MAX, RECENT_MS } from "@jichat/protocol/limits.ts";

/**
 * How long an answer of storage waits for the command that asked: its connector repeats within this time or
 * gave up.
 */
const FOUND_MS = 30_000;

export interface Member {
  /** The member sees events from this seq on. */
  readonly first: number;
  /** Read up to here; `markNo` is the `no` of that event. */
  mark: number;
  markNo: number;
}

export interface KnownId {
  readonly seq: number;
  readonly ts: number;
  readonly position: number;
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
  readonly recent: Recent;
}

/** The latest ids and events of one conversation, and the time from which no id is missing. */
export class Recent {
  /** T of DESIGN 3: every id that was accepted later than this is in `ids`. */
  knownFrom: number;
  /**
   * By the ids' own time: every UUIDv7 that was made later than this is in `ids`, whenever it was accepted.
   */
  idsFrom: number;
  readonly ids = new Map<string, KnownId>();
  /** Contiguous in seq; the last one is the head's. */
  readonly events: EventFacts[] = [];
  /** Answers of storage about older ids and events, until the command that asked comes again. */
  readonly found = new Map<string, KnownId | EventFacts | undefined>();
  #foundAt = 0;

  constructor(knownFrom: number, idsFrom: number) {
    this.knownFrom = knownFrom;
    this.idsFrom = idsFrom;
  }

  event(seq: number): EventFacts | undefined {
    const oldest = this.events[0];
    return oldest === undefined ? undefined : this.events[seq - oldest.seq];
  }

  find(key: string, answer: KnownId | EventFacts | undefined, now: number): void {
    this.found.set(key, answer);
    this.#foundAt = now;
  }

  /**
   * Forgets by age and by number, but nothing that storage has not consumed: it could not be asked for
   * again.
   */
  trim(now: number, consumed: number): void {
    for (const [key, known] of this.ids) {
      const tooMany = this.ids.size > RECENT_EVENTS_MAX;
      if ((!tooMany && known.ts >= now - RECENT_MS) || known.position > consumed) break;
      this.ids.delete(key);
      this.knownFrom = Math.max(this.knownFrom, known.ts);
      this.idsFrom = Math.max(this.idsFrom, timeOfKey(key));
    }
    if (this.found.size > 0 && now - this.#foundAt > FOUND_MS) this.found.clear();
    const surplus = this.events.length - RECENT_EVENTS_MAX;
    if (surplus > RECENT_EVENTS_MAX / 8) this.events.splice(0, surplus);
  }
}

export const idKey = (user: string, id: string): string => `${user} ${id}`;
/** The id's own time, 0 where it has none: forgetting such an id moves nothing that rests on times. */
export const timeOfKey = (key: string): number => timeOfId(key.slice(key.indexOf(" ") + 1)) ?? 0;
export const eventKey = (seq: number): string => `#${seq}`;

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
    recent: new Recent(0, 0),
  };
}

/** From storage's facts. Of older ids than those that came with them storage is asked. */
export function loadedConversation(facts: ConversationFacts): Conversation {
  const recent = new Recent(facts.ts, facts.idsFrom);
  for (const { user, id, seq, ts } of facts.ids.toSorted((a, b) => a.ts - b.ts))
    recent.ids.set(idKey(user, id), { seq, ts, position: 0 });
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
