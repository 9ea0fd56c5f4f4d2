import type { Clock } from "@jichat/protocol/clock.ts";
import { systemClock } from "@jichat/protocol/clock.ts";

/** How far this host's clock may be from what is agreed on and still be believed. */
const BELIEVED_MS = 2_000;
const LOOK_EVERY_MS = 10_000;
/** While not all answer. */
const LOOK_AGAIN_MS = 1_000;
/** An answer that was longer on its way does not tell the time. */
const ROUND_TRIP_MAX_MS = 1_000;

/** What another host's clock says, in milliseconds since 1970. Rejects while it cannot be asked. */
export type AskTime = () => Promise<number>;

export interface AgreedClockOptions {
  /** This host's. */
  readonly host?: Clock;
  /** One of each other host, which may be wrong itself. */
  readonly others: readonly AskTime[];
  /** Called when this host's clock stops being believed, and when it is again; with how far it is ahead. */
  readonly onBelief?: (isBelieved: boolean, aheadMs: number) => void;
}

/**
 * A time of day that one wrong clock does not change. Tokens, tickets and what people read as the time of a
 * message go by it: a host that is ten minutes off would refuse all of them. Of this host's clock and those
 * of the others the one in the middle counts; between looks it goes on by the monotonic clock, so that a jump
 * of this host's clock changes nothing.
 */
export class AgreedClock implements Clock {
  readonly #host: Clock;
  readonly #others: readonly AskTime[];
  readonly #onBelief: (isBelieved: boolean, aheadMs: number) => void;
  /** Milliseconds since 1970 at which the monotonic clock began. */
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

  /** How far this host's clock is ahead of what is agreed on, in milliseconds; below 0 it is behind. */
  get aheadMs(): number {
    return this.#host.now() - this.#host.monotonic() - this.#epoch;
  }

  /**
   * Asks the others once. Where an even number answers, what was agreed on before has a voice. Whether all
   * have answered.
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

  /** Looks now and then until the signal aborts. */
  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const haveAll = await this.look();
      await this.#host.sleep(haveAll ? LOOK_EVERY_MS : LOOK_AGAIN_MS, signal).catch(() => undefined);
    }
  }

  async #ask(ask: AskTime): Promise<number | undefined> {
    const left = this.#host.monotonic();
    const time = await ask().catch(() => undefined); // It is away: others, or the last look, say it.
    const came = this.#host.monotonic();
    return time === undefined || came - left > ROUND_TRIP_MAX_MS ? undefined : time - (left + came) / 2;
  }
}

/** Of an odd number. */
const middleOf = (epochs: readonly number[]): number =>
  epochs.toSorted((a, b) => a - b)[(epochs.length - 1) / 2] ?? 0;
