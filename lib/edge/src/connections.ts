/** Limits of open connections: per address (0 means unlimited), and in all. */
export interface ConnectionLimits {
  readonly perAddressMax: number;
  readonly totalMax: number;
}

/** Counts open connections by the peer's address, including those that never send anything. */
export class Connections {
  readonly #limits: ConnectionLimits;
  readonly #counts = new Map<string, number>();
  #total = 0;

  constructor(limits: ConnectionLimits) {
    this.#limits = limits;
  }

  get total(): number {
    return this.#total;
  }

  of(address: string): number {
    return this.#counts.get(address) ?? 0;
  }

  /**
   * Counts an accepted connection. Returns false, and does not count it, if a limit is reached; `elsewhere`
   * has the connections that are counted elsewhere. No address means a trusted proxy's connection, which only
   * counts in the total.
   */
  open(address: string | undefined, elsewhere = { of: 0, total: 0 }): boolean {
    const { perAddressMax, totalMax } = this.#limits;
    if (this.#total + elsewhere.total >= totalMax) return false;
    if (address !== undefined) {
      const count = this.of(address);
      if (perAddressMax > 0 && count + elsewhere.of >= perAddressMax) return false;
      this.#counts.set(address, count + 1);
    }
    this.#total += 1;
    return true;
  }

  /** Call once for each connection that was counted. */
  close(address: string | undefined): void {
    this.#total -= 1;
    if (address === undefined) return;
    const left = this.of(address) - 1;
    if (left > 0) this.#counts.set(address, left);
    else this.#counts.delete(address);
  }
}
