import type { Refused } from "@jichat/protocol/bus/command.ts";
import { SEND_GATE_MS } from "@jichat/protocol/limits.ts";

/** A send that was refused for a while and has not come again. */
export interface Mark {
  readonly id: string;
  /** Among its socket's sends. A copy stands where the one stands that came first. */
  readonly place: number;
  /** Its own, or the one that it shares. */
  readonly refusal: Refused;
  /** Until then it holds what stands behind it. */
  readonly until: number;
  /** How often it has shared a refusal since the line moved, and when that was. */
  readonly shares: number;
  readonly moves: number;
}

/** What a refusal without a time means (`ChatError`). */
const RETRY_MS = 500;

interface NewMark {
  readonly place: number;
  readonly refusal: Refused;
  readonly now: number;
  readonly shares: number;
}

/**
 * The refused sends of one socket to one conversation, in the order in which they were sent (ADR 0010). Each
 * holds those behind it until it comes again, is answered for good, or has been silent for 5 s: since it was
 * last told, or since the one in front of it came again.
 */
export class RefusedLine {
  readonly #marks = new Map<string, Mark>();
  #isInOrder = true;
  #lastPlace = Number.NEGATIVE_INFINITY;
  /** How many have left it. */
  #moves = 0;

  constructor(marks: Iterable<Mark> = []) {
    for (const mark of marks) {
      this.#moves = Math.max(this.#moves, mark.moves);
      this.#put(mark);
    }
  }

  get size(): number {
    return this.#marks.size;
  }

  /** In the order in which they were sent. */
  get marks(): Iterable<Mark> {
    this.#order();
    return this.#marks.values();
  }

  placeOf(id: string): number | undefined {
    return this.#marks.get(id)?.place;
  }

  /** A send arrives: the refusal that it shares from here on, or undefined when it goes on. */
  admit(id: string, place: number, now: number): Refused | undefined {
    const holder = this.#holderInFrontOf(id, place, now);
    if (holder === undefined) {
      this.#leaves(id, place, now);
      return undefined;
    }
    const { refusal } = holder;
    const shares = this.#sharesOf(id);
    this.#mark(id, { place, refusal, now, shares: shares + 1 });
    return shares === 0 ? refusal : { ...refusal, retryAfterMs: patience(holder, shares, now) };
  }

  /** A send is refused for a while. A copy renews nothing of those in front of it. */
  refuse(id: string, place: number, refusal: Refused, now: number): void {
    this.#mark(id, { place, refusal, now, shares: this.#sharesOf(id) });
  }

  /** One of its copies is answered for good: nobody says the others again. */
  settle(id: string, now: number): void {
    const mark = this.#marks.get(id);
    if (mark !== undefined) this.#leaves(id, mark.place, now);
  }

  /** Lets go of those that hold nobody any more. */
  sweep(now: number): void {
    for (const { id, until } of this.#marks.values()) if (until <= now) this.#marks.delete(id);
  }

  #sharesOf(id: string): number {
    const mark = this.#marks.get(id);
    return mark?.moves === this.#moves ? mark.shares : 0;
  }

  #mark(id: string, { place, refusal, now, shares }: NewMark): void {
    const known = this.#marks.get(id)?.place ?? place;
    this.#put({
      id,
      place: Math.min(known, place),
      refusal,
      until: now + SEND_GATE_MS,
      shares,
      moves: this.#moves,
    });
  }

  /**
   * Who resends in order comes to the next one now: its 5 s begin. One that was silent for too long keeps its
   * place as long as another one holds, as it may still come.
   */
  #leaves(id: string, place: number, now: number): void {
    const wasFirst = this.#holderInFrontOf(id, place, now) === undefined;
    const wasMarked = this.#marks.delete(id);
    if (wasMarked) this.#moves += 1;
    const first = this.#holderInFrontOf(id, Number.POSITIVE_INFINITY, now);
    if (first === undefined) this.#marks.clear();
    else if (wasFirst && wasMarked) this.#put({ ...first, until: now + SEND_GATE_MS });
  }

  #holderInFrontOf(id: string, place: number, now: number): Mark | undefined {
    for (const mark of this.marks) {
      if (mark.place >= place) return undefined;
      if (mark.id !== id && mark.until > now) return mark;
    }
    return undefined;
  }

  #put(mark: Mark): void {
    const stood = this.#marks.get(mark.id)?.place;
    this.#isInOrder &&= stood === undefined ? mark.place > this.#lastPlace : mark.place === stood;
    this.#lastPlace = Math.max(mark.place, this.#lastPlace);
    this.#marks.set(mark.id, mark);
  }

  /** Many are marked in one go: they are sorted when somebody asks. */
  #order(): void {
    if (this.#isInOrder) return;
    this.#isInOrder = true;
    const marks = [...this.#marks.values()].sort((one, other) => one.place - other.place);
    this.#marks.clear();
    for (const mark of marks) this.#marks.set(mark.id, mark);
  }
}

/**
 * Longer each time while nothing moves, and no longer than the holder holds: who waits for one that never
 * comes is told of it a dozen times, not five hundred.
 */
function patience({ refusal, until }: Mark, shares: number, now: number): number {
  const { retryAfterMs = RETRY_MS } = refusal;
  return Math.min(retryAfterMs * 2 ** shares, Math.max(retryAfterMs, Math.ceil(until - now)));
}
