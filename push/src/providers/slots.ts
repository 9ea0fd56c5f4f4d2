/** Those who wait for a slot. Above that, one is refused at once. */
const WAITING_MAX = 1_000;

/** No slot, and too many who wait for one. */
export class NoSlot extends Error {
  override readonly name = "NoSlot";
}

/** At most `limit()` at once; the others wait in order. */
export class Slots {
  readonly #limit: () => number;
  #used = 0;
  readonly #waiting = new Set<() => void>();

  constructor(limit: () => number) {
    this.#limit = limit;
  }

  /** Resolves once the caller has a slot. Rejects with NoSlot, or with the signal's reason. */
  async take(signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    if (this.#used < this.#limit() && this.#waiting.size === 0) {
      this.#used += 1;
      return;
    }
    if (this.#waiting.size >= WAITING_MAX) throw new NoSlot("too many pushes at once");
    const { promise, resolve, reject } = Promise.withResolvers<undefined>();
    const enter = (): void => {
      this.#used += 1;
      resolve(undefined);
    };
    const stop = (): void => {
      this.#waiting.delete(enter);
      reject(signal.reason);
    };
    this.#waiting.add(enter);
    signal.addEventListener("abort", stop, { once: true });
    try {
      await promise;
    } finally {
      signal.removeEventListener("abort", stop);
    }
  }

  give(): void {
    this.#used -= 1;
    this.look();
  }

  /** The limit may have risen. */
  look(): void {
    for (const enter of this.#waiting) {
      if (this.#used >= this.#limit()) return;
      this.#waiting.delete(enter);
      enter();
    }
  }
}
