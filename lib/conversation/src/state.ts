/** Of one member. */
export interface Member {
  /** The member sees events from this seq on. */
  readonly first: number;
  /** Read up to here; `markNo` is the `no` of that event. */
  readonly mark: number;
  readonly markNo: number;
}

/** Where an event stands: in its conversation, and in its partition's log. */
export interface Place {
  readonly seq: number;
  readonly no: number;
  readonly position: number;
}

/** Values of facets by name (`facet.ts`): JSON, replaced and never changed. */
export type FacetValues = Readonly<Record<string, unknown>>;

/**
 * What a kind of event moves. The owner of a conversation implements it (members are copied on write, since
 * effects hold on to those of their event), and storage does (who left is kept, with where).
 */
export interface State {
  creator: string;
  name: string | undefined;
  facets: FacetValues;
  /** Users come, or come again: they see the conversation from `place.seq` on. */
  join(users: readonly string[], place: Place): void;
  leave(users: readonly string[], place: Place): void;
  /** Moves a read mark forward; one that stands further already, or of who is no member, stays. */
  mark(user: string, place: Place): void;
  /** The message `seq` is taken back. */
  recall(seq: number): void;
}

/** What a verb decides on: the state that every earlier command has already been applied to. */
export interface View {
  readonly id: string;
  readonly kind: "direct" | "group";
  /** 0 where the conversation does not exist yet. */
  readonly head: number;
  readonly no: number;
  readonly creator: string;
  readonly name: string | undefined;
  readonly members: ReadonlyMap<string, Member>;
  readonly facets: FacetValues;
}
