const [LEAST, MOST] = [5, 200];
const MORE = 10;

/**
 * How much is asked for at once: half where an answer did not come. Over a slow network a large one takes
 * longer than a connection is believed in without a sign of life.
 */
export class PageSize {
  #limit = MOST;

  get limit(): number {
    return this.#limit;
  }

  came(): void {
    this.#limit = Math.min(MOST, this.#limit + MORE);
  }

  failed(): void {
    this.#limit = Math.max(LEAST, Math.floor(this.#limit / 2));
  }
}
