import type { Clock } from "./clock.ts";

/** A clock for tests: it stands still until `pass` moves it. */
export class HandClock implements Clock {
  at = 0;
  /** How far the host's time of day is ahead of `at`, in milliseconds. */
  aheadMs = 0;
  #sleepers: { readonly until: number; readonly wake: () => void }[] = [];

  now(): number {
    return this.at + this.aheadMs;
  }

  monotonic(): number {
    return this.at;
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#sleepers.push({ until: this.at + ms, wake: resolve });
      signal?.addEventListener(
        "abort",
        () => {
          reject(new Error("aborted"));
        },
        { once: true },
      );
    });
  }

  /** Moves the clock, wakes all sleepers that are due, and lets them run. */
  async pass(ms: number): Promise<void> {
    this.at += ms;
    const due = this.#sleepers.filter(({ until }) => until <= this.at);
    this.#sleepers = this.#sleepers.filter(({ until }) => until > this.at);
    for (const { wake } of due) wake();
    await new Promise((resolve) => {
      setImmediate(resolve);
    });
  }
}
