/**
 * UUIDv7 (RFC 9562, 5.7): ids that say when they were made, on the server's clock, and rise even within a
 * millisecond.
 */
export class IdMaker {
  readonly #now: () => number;
  #lastMs = 0;
  #counter = 0;

  /** `now` gives milliseconds since 1970 as the server counts them. */
  constructor(now: () => number) {
    this.#now = now;
  }

  next(): string {
    const random = crypto.getRandomValues(new Uint8Array(8));
    this.#lastMs = Math.max(this.#lastMs, this.#now());
    this.#counter = (this.#counter + 1) % 4_096;
    // The counter went round: the next millisecond keeps ids rising.
    if (this.#counter === 0) this.#lastMs += 1;
    const time = this.#lastMs.toString(16).padStart(12, "0");
    const hex = [...random].map((byte) => byte.toString(16).padStart(2, "0")).join("");
    const variant = (8 + ((random[0] ?? 0) % 4)).toString(16);
    return `${time.slice(0, 8)}-${time.slice(8)}-7${this.#counter.toString(16).padStart(3, "0")}-${variant}${hex.slice(1, 4)}-${hex.slice(4)}`;
  }
}
