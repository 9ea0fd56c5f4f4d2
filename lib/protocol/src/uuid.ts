/**
 * How far the clock may be behind the latest id while ids go on to rise, in milliseconds: the jitter that a
 * network adds to a time.
 */
const HELD_MS = 10_000;

/** Makes UUIDv7 ids (RFC 9562, 5.7) by the server's clock. They rise even within a millisecond. */
export class IdMaker {
  readonly #now: () => number;
  #lastMs = 0;
  #counter = 0;

  /** `now` gives whole milliseconds since 1970 by the server's clock. */
  constructor(now: () => number) {
    this.#now = now;
  }

  next(): string {
    const random = crypto.getRandomValues(new Uint8Array(8));
    const now = this.#now();
    // If the clock falls further, it was wrong before: follow it, since ids from the future are exact for a
    // day only.
    if (now > this.#lastMs || now < this.#lastMs - HELD_MS) this.#lastMs = now;
    this.#counter = (this.#counter + 1) % 4_096;
    // The counter wrapped: moving to the next millisecond keeps ids rising.
    if (this.#counter === 0) this.#lastMs += 1;
    const time = this.#lastMs.toString(16).padStart(12, "0");
    const hex = [...random].map((byte) => byte.toString(16).padStart(2, "0")).join("");
    const variant = (8 + ((random[0] ?? 0) % 4)).toString(16);
    return `${time.slice(0, 8)}-${time.slice(8)}-7${this.#counter.toString(16).padStart(3, "0")}-${variant}${hex.slice(1, 4)}-${hex.slice(4)}`;
  }
}
