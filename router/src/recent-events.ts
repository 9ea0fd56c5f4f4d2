import type { EventFacts } from "@jichat/protocol/bus/query.ts";
import { KINDS } from "@jichat/conversation/tables.ts";
import { invariant } from "@jichat/protocol/assert.ts";
import type { EventKind } from "@jichat/protocol/frame/server-frame.ts";
import { RECENT_EVENTS_MAX, RECENT_MS } from "@jichat/protocol/limits.ts";
import { NameTable } from "./name-table.ts";
import type { PackedId } from "./packed-id.ts";
import { findPackedId, packId, releaseId, timeOfPackedId, unpackId } from "./packed-id.ts";
import { RowRing } from "./row-ring.ts";
import { SlotIndex } from "./slot-index.ts";

/**
 * How long an answer of storage is kept for the command that needs it. The connector repeats the command
 * within this time, or has given up.
 */
const FOUND_MS = 30_000;

export interface KnownId {
  readonly seq: number;
  readonly ts: number;
  readonly position: number;
}

export type LatestId = readonly [user: string, id: string, known: KnownId];

/** The newest ids of a conversation at one moment. */
export interface Latest {
  readonly knownFrom: number;
  readonly idsFrom: number;
  readonly ids: () => readonly LatestId[];
}

/** A row's fields, except its sender and its id. */
interface KnownRow extends KnownId {
  readonly kind: number;
  readonly no: number;
}

/** Fields of a row. `WHAT` is the sender's number times 512, plus 256 once recalled, plus the kind. */
const [SEQ, NO, TS, POSITION, WHAT, A, B, C] = [0, 1, 2, 3, 4, 5, 6, 7];
const [SENDER_STEP, RECALLED] = [512, 256];
/** The packed id of an event without an id of its own. */
const WITHOUT: PackedId = [-2, 0, 0];
/**
 * Codes of kinds in rows. 0 is an id without an event. They are in memory only: a snapshot holds ids alone.
 */
const CODES = Object.fromEntries(Object.keys(KINDS).map((kind, at) => [kind, at + 1])) as Readonly<
  Partial<Record<EventKind, number>>
>;
/** The code of a kind that only a newer version knows. Storage is asked about such an event. */
const UNKNOWN = RECALLED - 1;
invariant(Object.keys(KINDS).length < UNKNOWN, "a row has room for every kind");
const KIND_OF = new Map((Object.keys(CODES) as EventKind[]).map((kind) => [CODES[kind] ?? UNKNOWN, kind]));

/** Up to this many rows a scan is faster than an index, and needs less memory. */
const UNINDEXED_MAX = 16;

const hashOf = (sender: number, a: number, b: number, c: number): number => {
  let h = Math.imul((c | 0) ^ Math.imul(sender + 1, 0x9e3779b1), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 15) ^ (b | 0), 0xc2b2ae35);
  h = Math.imul(h ^ (h >>> 13) ^ (a | 0), 0x27d4eb2f);
  return h ^ (h >>> 16);
};

/**
 * The latest ids and events of one conversation in log order, and the times from which no id is missing. A
 * row takes 75 bytes outside the heap, so V8 neither copies nor marks it.
 */
export class RecentEvents {
  /** T in docs/design.md, "Exactly one seq": memory holds every id that was accepted later than this. */
  knownFrom: number;
  /** Memory holds every UUIDv7 whose own time is later than this, whenever it was accepted. */
  idsFrom: number;
  readonly #rows = new RowRing();
  readonly #names = new NameTable();
  /** `undefined` while there are so few rows that a scan is enough. */
  #index: SlotIndex | undefined;
  #ids = 0;
  /** Answers of storage about older ids and events, until the command that needs them comes again. */
  #found: Map<string, KnownId | EventFacts | undefined> | undefined;
  #foundAt = 0;

  constructor(knownFrom: number, idsFrom: number) {
    this.knownFrom = knownFrom;
    this.idsFrom = idsFrom;
  }

  /** Number of rows. An event with an id counts once. */
  get size(): number {
    return this.#rows.size;
  }

  /** Number of ids. */
  get ids(): number {
    return this.#ids;
  }

  /** The event that `user`'s `id` was accepted as. */
  known(user: string, id: string): KnownId | undefined {
    const sender = this.#names.find(user);
    const packed = findPackedId(id, this.#names);
    if (sender === undefined || packed === undefined) return undefined;
    const [a, b, c] = packed;
    const rows = this.#rows;
    const isIt = (at: number): boolean =>
      rows.get(at, B) === b &&
      rows.get(at, C) === c &&
      rows.get(at, A) === a &&
      this.#senderAt(at) === sender;
    const slot =
      this.#index === undefined ? rows.find(isIt) : this.#index.find(hashOf(sender, a, b, c), isIt);
    return slot === undefined ? undefined : knownAt(this.#rows, slot);
  }

  /** One of the latest events, which have no holes. */
  event(seq: number): EventFacts | undefined {
    const slot = this.#slotOf(seq);
    if (slot === undefined) return undefined;
    const rows = this.#rows;
    const what = rows.get(slot, WHAT);
    const kind = KIND_OF.get(what % RECALLED);
    if (kind === undefined) return undefined;
    return {
      seq,
      no: rows.get(slot, NO),
      kind,
      from: this.#names.text(this.#senderAt(slot)),
      ts: rows.get(slot, TS),
      ...(what % SENDER_STEP >= RECALLED ? { recalled: true } : {}),
    };
  }

  /** Must be called in the order of seq. */
  addEvent(event: Omit<EventFacts, "recalled">, id: string | undefined, position: number): void {
    const { seq, no, ts } = event;
    this.#add(event.from, id, { kind: CODES[event.kind] ?? UNKNOWN, seq, no, ts, position });
  }

  /** Adds an id without its event. Must be called in the order of seq. */
  addId(user: string, id: string, known: KnownId): void {
    this.#add(user, id, { ...known, kind: 0, no: 0 });
  }

  recall(seq: number): void {
    const key = eventKey(seq);
    const told = this.#found?.get(key);
    if (told !== undefined) this.#found?.set(key, { ...told, recalled: true });
    const slot = this.#slotOf(seq);
    if (slot === undefined) return;
    const what = this.#rows.get(slot, WHAT);
    if (what % SENDER_STEP < RECALLED) this.#rows.set(slot, WHAT, what + RECALLED);
  }

  /**
   * Keeps storage's answer about `key`, an `idKey` or `eventKey`. `undefined` means that storage does not
   * have it. Storage may have been asked before a recall that has been decided since: the recall stays.
   */
  find(key: string, answer: KnownId | EventFacts | undefined, now: number): void {
    this.#found ??= new Map();
    const told = this.#found.get(key);
    if (told === undefined || !("recalled" in told)) this.#found.set(key, answer);
    this.#foundAt = now;
  }

  hasFound(key: string): boolean {
    return this.#found?.has(key) ?? false;
  }

  found(key: string): KnownId | EventFacts | undefined {
    return this.#found?.get(key);
  }

  /**
   * Forgets rows by age and by number. A row that storage has not consumed stays, since storage could not
   * answer for it.
   */
  trim(now: number, consumed: number): void {
    const rows = this.#rows;
    while (rows.size > 0) {
      const oldest = rows.slot(0);
      const isOld = rows.get(oldest, TS) < now - RECENT_MS;
      if ((!isOld && !this.isOverfull) || rows.get(oldest, POSITION) > consumed) break;
      this.#forgetOldest();
    }
    if (this.#found !== undefined && now - this.#foundAt > FOUND_MS) this.#found = undefined;
  }

  /**
   * Whether it holds more than it has to, so that `trim` is due. There may be as many events without an id as
   * ids.
   */
  get isOverfull(): boolean {
    return this.#ids > RECENT_EVENTS_MAX || this.#rows.size > 2 * RECENT_EVENTS_MAX;
  }

  /**
   * The newest `max` ids, with the times from which none is missing among them. It copies memory and returns
   * at once; `ids` makes an object for each, oldest first, whatever has come since.
   */
  latest(max: number): Latest {
    const rows = this.#rows;
    let [knownFrom, idsFrom] = [this.knownFrom, this.idsFrom];
    let first = 0;
    for (let left = this.#ids - max; left > 0; first += 1) {
      const slot = rows.slot(first);
      if (rows.get(slot, A) === WITHOUT[0]) continue;
      left -= 1;
      knownFrom = Math.max(knownFrom, rows.get(slot, TS));
      idsFrom = Math.max(idsFrom, timeOfPackedId(packedAt(rows, slot)));
    }
    const [copied, texts] = [rows.copy(first), this.#names.texts()];
    return { knownFrom, idsFrom, ids: () => idsIn(copied, texts) };
  }

  #add(user: string, id: string | undefined, known: KnownRow): void {
    const [a, b, c] = id === undefined ? WITHOUT : packId(id, this.#names);
    const rows = this.#rows;
    const { capacity } = rows;
    const slot = rows.push();
    rows.set(slot, SEQ, known.seq);
    rows.set(slot, NO, known.no);
    rows.set(slot, TS, known.ts);
    rows.set(slot, POSITION, known.position);
    rows.set(slot, WHAT, this.#names.use(user) * SENDER_STEP + known.kind);
    rows.set(slot, A, a);
    rows.set(slot, B, b);
    rows.set(slot, C, c);
    if (id !== undefined) this.#ids += 1;
    if (rows.capacity !== capacity) this.#reindex();
    else if (id !== undefined) this.#index?.add(slot);
  }

  #forgetOldest(): void {
    const rows = this.#rows;
    const slot = rows.slot(0);
    const packed = packedAt(rows, slot);
    if (packed[0] !== WITHOUT[0]) {
      this.#index?.remove(slot);
      this.knownFrom = Math.max(this.knownFrom, rows.get(slot, TS));
      this.idsFrom = Math.max(this.idsFrom, timeOfPackedId(packed));
      this.#ids -= 1;
      releaseId(packed, this.#names);
    }
    this.#names.release(this.#senderAt(slot));
    const { capacity } = rows;
    rows.shift();
    if (rows.capacity !== capacity) this.#reindex();
  }

  /** Rebuilds the index after rows have moved to other slots. */
  #reindex(): void {
    const rows = this.#rows;
    this.#index = undefined;
    if (rows.capacity <= UNINDEXED_MAX) return;
    this.#index = new SlotIndex(rows.capacity, (slot) =>
      hashOf(this.#senderAt(slot), rows.get(slot, A), rows.get(slot, B), rows.get(slot, C)),
    );
    for (let index = 0; index < rows.size; index += 1) {
      const slot = rows.slot(index);
      if (rows.get(slot, A) !== WITHOUT[0]) this.#index.add(slot);
    }
  }

  /** Finds a seq by binary search. */
  #slotOf(seq: number): number | undefined {
    const rows = this.#rows;
    let [low, high] = [0, rows.size];
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (rows.get(rows.slot(middle), SEQ) < seq) low = middle + 1;
      else high = middle;
    }
    if (low === rows.size) return undefined;
    const slot = rows.slot(low);
    return rows.get(slot, SEQ) === seq ? slot : undefined;
  }

  #senderAt(slot: number): number {
    return senderAt(this.#rows, slot);
  }
}

const knownAt = (rows: RowRing, slot: number): KnownId => ({
  seq: rows.get(slot, SEQ),
  ts: rows.get(slot, TS),
  position: rows.get(slot, POSITION),
});

const packedAt = (rows: RowRing, slot: number): PackedId => [
  rows.get(slot, A),
  rows.get(slot, B),
  rows.get(slot, C),
];

const senderAt = (rows: RowRing, slot: number): number => Math.floor(rows.get(slot, WHAT) / SENDER_STEP);

/** The ids of these rows, oldest first. */
function idsIn(rows: RowRing, texts: readonly string[]): readonly LatestId[] {
  const ids: LatestId[] = [];
  for (let index = 0; index < rows.size; index += 1) {
    const slot = rows.slot(index);
    const packed = packedAt(rows, slot);
    if (packed[0] !== WITHOUT[0])
      ids.push([texts[senderAt(rows, slot)] ?? "", unpackId(packed, texts), knownAt(rows, slot)]);
  }
  return ids;
}

export const idKey = (user: string, id: string): string => `${user} ${id}`;
export function partsOfIdKey(key: string): [user: string, id: string] {
  const at = key.indexOf(" ");
  return [key.slice(0, at), key.slice(at + 1)];
}
export const eventKey = (seq: number): string => `#${seq}`;
