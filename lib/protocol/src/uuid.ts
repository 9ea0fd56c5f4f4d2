/** So far behind its latest id the clock may fall while ids go on to rise: what a network adds to a time. */
const HELD_MS = 10_000;

/**
 * UUIDv7 (RFC 9562, 5.7): ids that say when they were made, on the server's clock, and rise even within a
 * millisecond.
 */
export class IdMaker {
  readonly #now: () => number;
  #lastMs = 0;
  #counter = 0;

  /** `now` gives whole milliseconds since 1970 as the server counts them. */
  constructor(now: () => number) {
    this.#now = now;
  }

  next(): string {
    const random = crypto.getRandomValues(new Uint8Array(8));
    const now = this.#now();
    // Further back than that the clock was wrong before, and ids from the future are exact for a day only.
    if (now > this.#lastMs || now < this.#lastMs - HELD_MS) this.#lastMs = now;
    this.#counter = (this.#counter + 1) % 4_096;
    // The counter went round: the next millisecond keeps ids rising.
    if (this.#counter === 0) this.#lastMs += 1;
    const time = this.#lastMs.toString(16).padStart(12, "0");
    const hex = [...random].map((byte) => byte.toString(16).padStart(2, "0")).join("");
    const variant = (8 + ((random[0] ?? 0) % 4)).toString(16);
    return `${time.slice(0, 8)}-${time.slice(8)}-7${this.#counter.toString(16).padStart(3, "0")}-${variant}${hex.slice(1, 4)}-${hex.slice(4)}`;
  }
}
