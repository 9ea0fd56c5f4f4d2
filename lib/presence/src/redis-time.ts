/** A question counts for at least this long, and for at most twice as long while others follow it. */
const WINDOW_MS = 60_000;
/** Two clocks drift apart by less than this, in microseconds for each millisecond. */
const DRIFT = 0.2;

/** Redis's clock less the monotonic one, in microseconds, is at most `offset` as of `askedAt`. */
interface Bound {
  readonly offset: number;
  readonly askedAt: number;
}

/**
 * The latest that Redis's clock can show, in microseconds, by the times that scripts have returned. Redis
 * read its clock after it was asked and before its answer arrived, so of the recent questions the one with
 * the quickest way there counts.
 *
 * It is a bound and not an estimate: a hello that leaves after another one was answered must never seem to
 * have left before it, however slow this connector's answers were. While nobody asks, the bound rises slowly,
 * by what clocks may drift.
 */
export class RedisTime {
  readonly #monotonic: () => number;
  #best: Bound | undefined;
  /** The best bound of the previous window. */
  #earlier: Bound | undefined;
  #since = 0;
  #latest = 0;

  /** `monotonic` is in milliseconds. */
  constructor(monotonic: () => number) {
    this.#monotonic = monotonic;
  }

  /** The latest time that Redis returned; 0 before the first. The clock of another Redis may be behind it. */
  get latest(): number {
    return this.#latest;
  }

  /** `undefined` before the first time was returned. */
  now(): number | undefined {
    const now = this.#monotonic();
    const most = Math.min(mostBy(this.#best, now), mostBy(this.#earlier, now));
    return most === Infinity ? undefined : Math.ceil(most);
  }

  /** Forgets the bounds: this may be another Redis, whose clock may be ahead. */
  forget(): void {
    this.#best = this.#earlier = undefined;
  }

  /** Redis returned `time` to a question that left at `askedAt` (monotonic). */
  told(time: number, askedAt: number): void {
    const now = this.#monotonic();
    this.#latest = Math.max(this.#latest, time);
    // Redis shows more than it could, so its clock was set.
    if (time > (this.now() ?? Infinity)) this.forget();
    if (now - this.#since > WINDOW_MS) {
      this.#earlier = this.#best;
      this.#best = undefined;
      this.#since = now;
    }
    const told = { offset: time - 1_000 * askedAt, askedAt };
    if (mostBy(told, now) <= mostBy(this.#best, now)) this.#best = told;
  }
}

const mostBy = (bound: Bound | undefined, now: number): number =>
  bound === undefined ? Infinity : 1_000 * now + bound.offset + DRIFT * (now - bound.askedAt);
