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
 * How long an answer of storage waits for the command that asked: its connector repeats within this time or
 * gave up.
 */
const FOUND_MS = 30_000;

export interface KnownId {
  readonly seq: number;
  readonly ts: number;
  readonly position: number;
}

/** What a row says beside its sender and its id. */
interface KnownRow extends KnownId {
  readonly kind: number;
  readonly no: number;
}

/** Fields of a row. `WHAT` is the sender's number times 512, plus 256 once recalled, plus the kind. */
const [SEQ, NO, TS, POSITION, WHAT, A, B, C] = [0, 1, 2, 3, 4, 5, 6, 7];
const [SENDER_STEP, RECALLED] = [512, 256];
/** In A: the row is an event without an id of its own. */
const WITHOUT: PackedId = [-2, 0, 0];
/** 0 stands for a row that is no event: an id alone. In memory only: a snapshot has ids alone. */
const CODES = Object.fromEntries(Object.keys(KINDS).map((kind, at) => [kind, at + 1])) as Readonly<
  Partial<Record<EventKind, number>>
>;
/** Of a kind that a newer version wrote: of such an event storage is asked. */
const UNKNOWN = RECALLED - 1;
invariant(Object.keys(KINDS).length < UNKNOWN, "a row has room for every kind");
const KIND_OF = new Map((Object.keys(CODES) as EventKind[]).map((kind) => [CODES[kind] ?? UNKNOWN, kind]));

/** Rows that are looked through faster, and held in less, than by an index. */
const UNINDEXED_MAX = 16;

const hashOf = (sender: number, a: number, b: number, c: number): number => {
  let h = Math.imul((c | 0) ^ Math.imul(sender + 1, 0x9e3779b1), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 15) ^ (b | 0), 0xc2b2ae35);
  h = Math.imul(h ^ (h >>> 13) ^ (a | 0), 0x27d4eb2f);
  return h ^ (h >>> 16);
};

/**
 * The latest ids and events of one conversation, and the time from which no id is missing. In the order of
 * the log, 75 bytes each and outside the heap: V8 neither copies nor marks them.
 */
export class RecentEvents {
  /** T of docs/design.md, "Exactly one seq": every id that was accepted later than this is in here. */
  knownFrom: number;
  /**
   * By the ids' own time: every UUIDv7 that was made later than this is in here, whenever it was accepted.
   */
  idsFrom: number;
  readonly #rows = new RowRing();
  readonly #names = new NameTable();
  /** Undefined while there are so few that they are looked through one by one. */
  #index: SlotIndex | undefined;
  #ids = 0;
  /** Answers of storage about older ids and events, until the command that asked comes again. */
  #found: Map<string, KnownId | EventFacts | undefined> | undefined;
  #foundAt = 0;

  constructor(knownFrom: number, idsFrom: number) {
    this.knownFrom = knownFrom;
    this.idsFrom = idsFrom;
  }

  /** Ids and events together: what is both counts once. */
  get size(): number {
    return this.#rows.size;
  }

  /** How many ids are in here. */
  get ids(): number {
    return this.#ids;
  }

  /** What `user`'s `id` was accepted as. */
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
    return slot === undefined ? undefined : this.#knownAt(slot);
  }

  /** An event of the last ones, which come without a hole. */
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

  /** To be called in the order of seq. */
  addEvent(event: Omit<EventFacts, "recalled">, id: string | undefined, position: number): void {
    const { seq, no, ts } = event;
    this.#add(event.from, id, { kind: CODES[event.kind] ?? UNKNOWN, seq, no, ts, position });
  }

  /** An id that stands for no event that is known here. To be called in the order of seq. */
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
   * Keeps what storage said about `key`, an `idKey` or `eventKey`; undefined: it has no such. Storage may have
   * been asked before a recall that has been decided since: the recall stays.
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
   * Forgets by age and by number, but nothing that storage has not consumed: it could not be asked for
   * again.
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

  /** Holds more than it has to: `trim` is due. Events without an id may be as many again. */
  get isOverfull(): boolean {
    return this.#ids > RECENT_EVENTS_MAX || this.#rows.size > 2 * RECENT_EVENTS_MAX;
  }

  /** The newest `max` ids, oldest first, and from when on none is missing among them. */
  latest(max: number): {
    readonly knownFrom: number;
    readonly idsFrom: number;
    readonly ids: readonly (readonly [user: string, id: string, known: KnownId])[];
  } {
    let [left, knownFrom, idsFrom] = [this.#ids - max, this.knownFrom, this.idsFrom];
    const ids: [string, string, KnownId][] = [];
    for (let index = 0; index < this.#rows.size; index += 1) {
      const slot = this.#rows.slot(index);
      const packed = this.#packedAt(slot);
      if (packed[0] === WITHOUT[0]) continue;
      left -= 1;
      if (left < 0) {
        ids.push([
          this.#names.text(this.#senderAt(slot)),
          unpackId(packed, this.#names),
          this.#knownAt(slot),
        ]);
      } else {
        knownFrom = Math.max(knownFrom, this.#rows.get(slot, TS));
        idsFrom = Math.max(idsFrom, timeOfPackedId(packed));
      }
    }
    return { knownFrom, idsFrom, ids };
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
    const packed = this.#packedAt(slot);
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

  /** Rows have moved to other slots. */
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

  /** By bisection: the first row that is not below `seq`, if it has it. */
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

  #knownAt(slot: number): KnownId {
    const rows = this.#rows;
    return { seq: rows.get(slot, SEQ), ts: rows.get(slot, TS), position: rows.get(slot, POSITION) };
  }

  #packedAt(slot: number): PackedId {
    return [this.#rows.get(slot, A), this.#rows.get(slot, B), this.#rows.get(slot, C)];
  }

  #senderAt(slot: number): number {
    return Math.floor(this.#rows.get(slot, WHAT) / SENDER_STEP);
  }
}

export const idKey = (user: string, id: string): string => `${user} ${id}`;
export function partsOfIdKey(key: string): [user: string, id: string] {
  const at = key.indexOf(" ");
  return [key.slice(0, at), key.slice(at + 1)];
}
export const eventKey = (seq: number): string => `#${seq}`;
