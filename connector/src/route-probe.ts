/**
 * So many devices go first, one rung after the other; `waitMs` after a rung its devices would be back. Where
 * a route leads to one of ten connectors, 21 devices are enough to show it.
 */
export const LADDER = [
  { devices: 1, waitMs: 1_000 },
  { devices: 4, waitMs: 500 },
  { devices: 16, waitMs: 500 },
] as const;
/** After an arrival, nobody goes for so long, and then again one device first. */
export const HOLD_MS = 2_000;
/** Whoever still arrives after that has an address of its own, and follows no proxy. */
export const HOLD_MS_MAX = 10_000;
/** So long after routes last led here, connections over them are taken. */
const STRAGGLERS_MS = 5_000;

/**
 * Tries whether routes lead elsewhere by now. The proxy of a node follows an EndpointSlice late, by up to
 * some seconds. A device that is told to go before then may come back, and moves twice. So few devices go
 * first, and whoever arrives here stops all others for a while. Times are monotonic milliseconds.
 */
export class RouteProbe {
  readonly #until: number;
  #ledHereAt: number;
  #heldUntil: number;
  /** The rung whose devices were told last, and when. */
  #last: { readonly rung: number; readonly at: number } | undefined;

  /**
   * Devices go from `from` on. From `until` on at the latest, all of them may: the rest of the drain is what
   * they need.
   */
  constructor(from: number, until: number) {
    this.#until = Math.min(from + HOLD_MS_MAX, until);
    this.#ledHereAt = from;
    this.#heldUntil = from;
  }

  /** A connection has come. */
  arrived(now: number): void {
    if (now >= this.#until) return;
    this.#ledHereAt = now;
    this.#heldUntil = now + HOLD_MS;
    this.#last = undefined;
  }

  /** So many devices were told to go. */
  told(now: number, devices: number): void {
    if (devices > 0) this.#last = { rung: this.#rungAt(now), at: now };
  }

  /** The rung that may be told now, or that is waited for. */
  #rungAt(now: number): number {
    if (this.#last === undefined) return 0;
    const { rung, at } = this.#last;
    return rung + (now - at >= (LADDER[rung]?.waitMs ?? 0) ? 1 : 0);
  }

  /** The most devices that may be told now. */
  most(now: number): number {
    if (this.isOver(now)) return Number.POSITIVE_INFINITY;
    if (now < this.#heldUntil) return 0;
    const rung = this.#rungAt(now);
    return rung === this.#last?.rung ? 0 : (LADDER[rung]?.devices ?? 0);
  }

  /** Whether routes lead elsewhere, as far as can be known. */
  isOver(now: number): boolean {
    return now >= this.#until || this.#rungAt(now) >= LADDER.length;
  }

  /** Whether nobody has come for as long as an arrival holds the others. */
  isQuiet(now: number): boolean {
    return now >= this.#until || now >= this.#heldUntil;
  }

  /** Whether connections may still come over routes that were laid earlier. */
  mayLeadHere(now: number): boolean {
    return now - this.#ledHereAt < STRAGGLERS_MS;
  }
}
