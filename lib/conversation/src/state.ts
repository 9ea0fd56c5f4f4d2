import type { OwnSettings } from "@jichat/protocol/frame/server-frame.ts";

export interface Member {
  /** The member sees events from this seq on. */
  readonly first: number;
  /** Read up to here; `markNo` is the `no` of that event. */
  readonly mark: number;
  readonly markNo: number;
  /** The member's own settings. Replaced as a whole, never mutated. */
  readonly settings?: OwnSettings | undefined;
}

/** The place of an event: in its conversation (`seq`, `no`), and in its partition's log (`position`). */
export interface Place {
  readonly seq: number;
  readonly no: number;
  readonly position: number;
}

/** Values of facets by name (`facet.ts`): JSON values that are replaced, never mutated. */
export type FacetValues = Readonly<Record<string, unknown>>;

/**
 * The state that kinds of events change. It has two implementations. The owner of a conversation copies
 * members on write, since effects keep those of their event. Storage also keeps who left, and where.
 */
export interface State {
  creator: string;
  name: string | undefined;
  facets: FacetValues;
  /** Users join, perhaps again. They see the conversation from `place.seq` on. */
  join(users: readonly string[], place: Place): void;
  leave(users: readonly string[], place: Place): void;
  /** Moves a read mark forward. A mark that is further already stays. A user who is no member is ignored. */
  mark(user: string, place: Place): void;
  /** Takes the message `seq` back. */
  recall(seq: number): void;
}

/** What a verb decides on: the state after every earlier command. */
export interface View {
  readonly id: string;
  readonly kind: "direct" | "group";
  /** 0 if the conversation does not exist yet. */
  readonly head: number;
  readonly no: number;
  readonly creator: string;
  readonly name: string | undefined;
  readonly members: ReadonlyMap<string, Member>;
  readonly facets: FacetValues;
}
