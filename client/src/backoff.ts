const FIRST_MS = 200;
const MAX_MS = 15_000;

/** Exponential, with full jitter: a million devices that lost one server must not come back at once. */
export class Backoff {
  #tries = 0;
  readonly #random: () => number;

  constructor(random: () => number = Math.random) {
    this.#random = random;
  }

  next(): number {
    const ceiling = Math.min(MAX_MS, FIRST_MS * 2 ** this.#tries);
    this.#tries += 1;
    return Math.round(ceiling * (0.1 + 0.9 * this.#random()));
  }

  reset(): void {
    this.#tries = 0;
  }
}
