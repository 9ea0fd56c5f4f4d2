import type { Refused } from "@jichat/protocol/bus/command.ts";
import { SEND_GATE_MS } from "@jichat/protocol/limits.ts";

/** A send that got a retryable refusal and has not come again. */
export interface Mark {
  readonly id: string;
  /** Place among the socket's sends. A copy has the place of the first one. */
  readonly place: number;
  /** The send's own refusal, or the shared one. */
  readonly refusal: Refused;
  /** Until this time (monotonic, in ms) it holds back the sends behind it. */
  readonly until: number;
  /**
   * `shares`: how often it has shared a refusal since the line last moved. `moves`: the line's move count at
   * that time.
   */
  readonly shares: number;
  readonly moves: number;
}

/** Default for a refusal without `retryAfterMs` (`ChatError`). */
const RETRY_MS = 500;

interface NewMark {
  readonly place: number;
  readonly refusal: Refused;
  readonly now: number;
  readonly shares: number;
}

/**
 * The refused sends of one socket to one conversation, in the order in which they were sent (ADR 0010). Each
 * holds back those behind it until it comes again, gets a final answer, or has been silent for 5 s
 * (`SEND_GATE_MS`). The 5 s start when it was last refused, or when the one in front of it came again.
 */
export class RefusedLine {
  readonly #marks = new Map<string, Mark>();
  #isInOrder = true;
  #lastPlace = Number.NEGATIVE_INFINITY;
  /** How many sends have left the line. */
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

  /** In sending order. */
  get marks(): Iterable<Mark> {
    this.#order();
    return this.#marks.values();
  }

  placeOf(id: string): number | undefined {
    return this.#marks.get(id)?.place;
  }

  /** Decides about an arriving send: the refusal that it shares, or undefined if it may go on. */
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

  /** Records a retryable refusal. A copy does not renew the time of the sends in front of it. */
  refuse(id: string, place: number, refusal: Refused, now: number): void {
    this.#mark(id, { place, refusal, now, shares: this.#sharesOf(id) });
  }

  /** One copy of the send got a final answer, so the client sends none of the others again. */
  settle(id: string, now: number): void {
    const mark = this.#marks.get(id);
    if (mark !== undefined) this.#leaves(id, mark.place, now);
  }

  /** Removes sends that no longer hold anything back. */
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
   * A client that resends in order sends the next one now, so the 5 s of that one begin. A send that was
   * silent for too long keeps its place while another one still holds the line, because it may still come.
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

  /** Sorts lazily: many sends are marked at once, and sorted when somebody reads them. */
  #order(): void {
    if (this.#isInOrder) return;
    this.#isInOrder = true;
    const marks = [...this.#marks.values()].sort((one, other) => one.place - other.place);
    this.#marks.clear();
    for (const mark of marks) this.#marks.set(mark.id, mark);
  }
}

/**
 * The wait doubles while the line does not move, up to the time that the holder holds. A client that waits
 * for a send that never comes is refused about a dozen times, not five hundred.
 */
function patience({ refusal, until }: Mark, shares: number, now: number): number {
  const { retryAfterMs = RETRY_MS } = refusal;
  return Math.min(retryAfterMs * 2 ** shares, Math.max(retryAfterMs, Math.ceil(until - now)));
}
