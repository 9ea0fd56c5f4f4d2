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

interface SnapshotHead {
  readonly v: number;
  readonly position: number;
  /** Effects up to this position were done. */
  readonly done: number;
}

/**
 * The hot conversations of a partition at one position. It only makes a start faster; it is never the truth.
 * They come one by one: all of them at once would take a second of the process that writes or reads them.
 */
export interface Snapshot extends SnapshotHead {
  readonly conversations: Iterable<ConversationShot>;
}

/** A snapshot that is being read. Its text may turn out to be broken at any conversation: then it throws. */
export interface SavedSnapshot extends SnapshotHead {
  readonly conversations: AsyncIterable<ConversationShot> | Iterable<ConversationShot>;
}

const [BREAK, END] = ["\n", "]}"];

/** The text of a snapshot, piece by piece: a line for each conversation, all of them one JSON value. */
export function* snapshotPieces({ conversations, ...head }: Snapshot): Generator<string> {
  yield `${JSON.stringify(head).slice(0, -1)},"conversations":[`;
  let before = BREAK;
  for (const conversation of conversations) {
    yield before + JSON.stringify(conversation);
    before = `,${BREAK}`;
  }
  yield BREAK + END;
}

/**
 * Parses a snapshot, whose conversations are parsed as they are read. The router checks the version, and
 * ignores a snapshot of a version that it does not know. Throws if the text is broken.
 */
export function readSnapshot(text: string): Snapshot {
  const start = text.indexOf(BREAK);
  // Older builds write one line.
  if (start === -1) return JSON.parse(text) as Snapshot;
  const head = JSON.parse(text.slice(0, start) + END) as SnapshotHead;
  return { ...head, conversations: conversationsIn(text, start + 1) };
}

function* conversationsIn(text: string, from: number): Generator<ConversationShot> {
  let at = from;
  for (let next = text.indexOf(BREAK, at); next !== -1; next = text.indexOf(BREAK, at)) {
    const end = text[next - 1] === "," ? next - 1 : next;
    yield JSON.parse(text.slice(at, end)) as ConversationShot;
    at = next + 1;
  }
  if (text.slice(at) !== END) throw new Error("the text of a snapshot is cut off");
}
