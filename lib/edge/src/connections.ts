/** How many may be open: from one address (0: no matter how many), and in all. */
export interface ConnectionLimits {
  readonly perAddressMax: number;
  readonly totalMax: number;
}

/** Connections by the address of their peer, those included that never say anything. */
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
   * Counts one that was accepted; false, and it is not counted, where there are too many with those that are
   * counted elsewhere. Without an address it is one of a proxy, behind which everybody may stand.
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

  /** Of one that was counted, once. */
  close(address: string | undefined): void {
    this.#total -= 1;
    if (address === undefined) return;
    const left = this.of(address) - 1;
    if (left > 0) this.#counts.set(address, left);
    else this.#counts.delete(address);
  }
}
