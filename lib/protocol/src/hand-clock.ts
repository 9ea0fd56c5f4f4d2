import type { Clock } from "./clock.ts";

/** Time for tests: it stands until it is moved. */
export class HandClock implements Clock {
  at = 0;
  /** The time of day, as this host believes, beyond `at`. */
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

  /** Wakes whoever is due by then, and lets them do what they woke for. */
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
