const ASKED_MAX = 500;

/**
 * How many things one question to storage is about. Large groups fill an answer soon, and what it leaves out
 * was looked up in vain: as many as the last answer told, and twice as many once it told all.
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
