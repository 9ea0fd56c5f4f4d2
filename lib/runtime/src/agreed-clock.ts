import type { Clock } from "@jichat/protocol/clock.ts";
import { systemClock } from "@jichat/protocol/clock.ts";

/** How far this host's clock may differ from the agreed time and still be used, in milliseconds. */
const BELIEVED_MS = 2_000;
const LOOK_EVERY_MS = 10_000;
/** Used while some clocks do not answer. */
const LOOK_AGAIN_MS = 1_000;
/** An answer that took longer is ignored: it is too imprecise. */
const ROUND_TRIP_MAX_MS = 1_000;

/** The time of another host's clock, in milliseconds since 1970. Rejects if it cannot be asked. */
export type AskTime = () => Promise<number>;

export interface AgreedClockOptions {
  /** This host's clock. */
  readonly host?: Clock;
  /** Clocks of other hosts, each of which may be wrong. */
  readonly others: readonly AskTime[];
  /**
   * Called when this host's clock stops being believed, and when it is believed again. `aheadMs` is how far
   * it is ahead.
   */
  readonly onBelief?: (isBelieved: boolean, aheadMs: number) => void;
}

/**
 * A time of day that one wrong clock does not change. Tokens, tickets and the shown times of messages rest on
 * it: a host that is ten minutes off would refuse all tokens. The median of this host's clock and the other
 * clocks counts. Between looks it advances with the monotonic clock, so a jump of this host's clock changes
 * nothing.
 */
export class AgreedClock implements Clock {
  readonly #host: Clock;
  readonly #others: readonly AskTime[];
  readonly #onBelief: (isBelieved: boolean, aheadMs: number) => void;
  /** Agreed time, in milliseconds since 1970, at which the monotonic clock was 0. */
  #epoch: number;
  #isBelieved = true;

  constructor({ host = systemClock, others, onBelief = () => undefined }: AgreedClockOptions) {
    this.#host = host;
    this.#others = others;
    this.#onBelief = onBelief;
    this.#epoch = host.now() - host.monotonic();
  }

  now(): number {
    const own = this.#host.now();
    const agreed = this.#epoch + this.#host.monotonic();
    return Math.abs(own - agreed) <= BELIEVED_MS ? own : Math.round(agreed);
  }

  monotonic(): number {
    return this.#host.monotonic();
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return this.#host.sleep(ms, signal);
  }

  /** How far this host's clock is ahead of the agreed time, in milliseconds; negative if it is behind. */
  get aheadMs(): number {
    return this.#host.now() - this.#host.monotonic() - this.#epoch;
  }

  /**
   * Asks the other clocks once. If the number of votes would be even, the last agreed time votes too. Returns
   * whether all others answered.
   */
  async look(): Promise<boolean> {
    const told = await Promise.all(this.#others.map(async (ask) => this.#ask(ask)));
    const others = told.filter((epoch) => epoch !== undefined);
    if (others.length > 0) {
      const own = this.#host.now() - this.#host.monotonic();
      this.#epoch = middleOf([own, ...others, ...(others.length % 2 === 0 ? [] : [this.#epoch])]);
    }
    const { aheadMs } = this;
    const isBelieved = Math.abs(aheadMs) <= BELIEVED_MS;
    if (isBelieved !== this.#isBelieved) this.#onBelief(isBelieved, aheadMs);
    this.#isBelieved = isBelieved;
    return others.length === this.#others.length;
  }

  /** Looks periodically until the signal aborts. */
  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const haveAll = await this.look();
      await this.#host.sleep(haveAll ? LOOK_EVERY_MS : LOOK_AGAIN_MS, signal).catch(() => undefined);
    }
  }

  async #ask(ask: AskTime): Promise<number | undefined> {
    const left = this.#host.monotonic();
    const time = await ask().catch(() => undefined); // No answer: the other clocks count.
    const came = this.#host.monotonic();
    return time === undefined || came - left > ROUND_TRIP_MAX_MS ? undefined : time - (left + came) / 2;
  }
}

/** The median of an odd number of values. */
const middleOf = (epochs: readonly number[]): number =>
  epochs.toSorted((a, b) => a - b)[(epochs.length - 1) / 2] ?? 0;
