const ASKED_MAX = 500;

/**
 * How many items one question to storage may have. An answer about large groups fills up early, and the
 * lookup of items that did not fit was wasted. So the next question has as many items as the last answer
 * contained, and twice as many once an answer contained all.
 */
export class AskSize {
  #now = ASKED_MAX;

  get now(): number {
    return this.#now;
  }

  learn(told: number, leftOut: number): void {
    this.#now = leftOut > 0 ? Math.max(1, told) : Math.min(ASKED_MAX, 2 * this.#now);
  }
}
