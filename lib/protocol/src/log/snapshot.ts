import type { KeptSettings } from "../frame/server-frame.ts";

/** One member in an owner's memory. */
export interface MemberShot {
  readonly first: number;
  readonly mark: number;
  readonly markNo: number;
  /** Absent if there is none, and in a snapshot of level 0 or 1. */
  readonly settings?: KeptSettings | undefined;
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
  /** Values of facets by name. Absent if there is none, and in a snapshot of level 0. */
  readonly facets?: Readonly<Record<string, unknown>> | undefined;
  readonly members: readonly (readonly [string, MemberShot])[];
  readonly knownFrom: number;
  readonly idsFrom: number;
  readonly ids: readonly (readonly [
    string,
    { readonly seq: number; readonly ts: number; readonly position: number },
  ])[];
}

/**
 * The hot conversations of a partition at one position. It only makes a start faster; it is never the truth.
 */
export interface Snapshot {
  readonly v: number;
  readonly position: number;
  /** Effects up to this position were done. */
  readonly done: number;
  readonly conversations: readonly ConversationShot[];
}

/** The text of a snapshot, piece by piece: one conversation each. */
export function* snapshotPieces({ conversations, ...head }: Snapshot): Generator<string> {
  yield `${JSON.stringify(head).slice(0, -1)},"conversations":[`;
  let before = "";
  for (const conversation of conversations) {
    yield before + JSON.stringify(conversation);
    before = ",";
  }
  yield "]}";
}

/**
 * Parses a snapshot. The router checks the version, and ignores a snapshot of a version that it does not
 * know.
 */
export const readSnapshot = (text: string): Snapshot => JSON.parse(text) as Snapshot;
