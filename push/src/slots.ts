/** No slot, and too many who wait for one. */
export class NoSlot extends Error {
  override readonly name = "NoSlot";
}

export interface SlotsOptions {
  /** Holders at once. It may change; whoever changes it calls `look`. */
  readonly limit: () => number;
  /** Those who wait for a slot. Above that, one is refused at once. Absent: the callers are bounded. */
  readonly waitingMax?: number;
}

/** At most `limit()` holders at once; the others wait in order. */
export class Slots {
  readonly #limit: () => number;
  readonly #waitingMax: number;
  readonly #waiting = new Set<() => void>();
  #taken = 0;

  constructor({ limit, waitingMax = Number.POSITIVE_INFINITY }: SlotsOptions) {
    this.#limit = limit;
    this.#waitingMax = waitingMax;
  }

  get taken(): number {
    return this.#taken;
  }

  get waiting(): number {
    return this.#waiting.size;
  }

  /**
   * Resolves once the caller has a slot, which it frees. Rejects with NoSlot, or with the signal's reason if
   * that aborts first.
   */
  async take(signal?: AbortSignal): Promise<void> {
    signal?.throwIfAborted();
    if (this.#taken < this.#limit() && this.#waiting.size === 0) {
      this.#taken += 1;
      return;
    }
    if (this.#waiting.size >= this.#waitingMax) throw new NoSlot("too many pushes at once");
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const stop = (): void => {
      this.#waiting.delete(resolve);
      reject(signal?.reason);
    };
    this.#waiting.add(resolve);
    signal?.addEventListener("abort", stop, { once: true });
    try {
      await promise;
    } finally {
      signal?.removeEventListener("abort", stop);
    }
  }

  free(): void {
    this.#taken -= 1;
    this.look();
  }

  /** The limit may have risen. A slot that is handed over is never free between two holders. */
  look(): void {
    for (const enter of this.#waiting) {
      if (this.#taken >= this.#limit()) return;
      this.#waiting.delete(enter);
      this.#taken += 1;
      enter();
    }
  }
}
