const [LEAST, MOST] = [5, 200];
const MORE = 10;

/**
 * The size of the next page: it halves when an answer did not come. On a slow network, a large page can take
 * longer than a connection may stay without a sign of life.
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
