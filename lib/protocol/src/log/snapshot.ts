/** Of one member, as an owner holds it. */
export interface MemberShot {
  readonly first: number;
  readonly mark: number;
  readonly markNo: number;
}

export interface ConversationShot {
  readonly id: string;
  readonly kind: "direct" | "group";
  readonly name: string | undefined;
  readonly creator: string;
  readonly head: number;
  readonly no: number;
  readonly ts: number;
  readonly position: number;
  /** Values of facets by name; absent where there is none, and in a snapshot of level 0. */
  readonly facets?: Readonly<Record<string, unknown>> | undefined;
  readonly members: readonly (readonly [string, MemberShot])[];
  readonly knownFrom: number;
  readonly idsFrom: number;
  readonly ids: readonly (readonly [
    string,
    { readonly seq: number; readonly ts: number; readonly position: number },
  ])[];
}

/** A partition's hot conversations at a position: a warm start, never the truth. */
export interface Snapshot {
  readonly v: number;
  readonly position: number;
  /** Effects up to here were done. */
  readonly done: number;
  readonly conversations: readonly ConversationShot[];
}
