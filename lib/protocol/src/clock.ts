/** Time as a dependency: the simulation runs the same code on a virtual clock. */
export interface Clock {
  /** Milliseconds since 1970 UTC by the host's clock, which may jump. */
  now(): number;
  /** Milliseconds that never fall; for durations. */
  monotonic(): number;
  /** Resolves after `ms`; rejects with the signal's reason as soon as it aborts. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
}

export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  sleep: (ms, signal) =>
    new Promise((resolve, reject) => {
      if (signal?.aborted === true) {
        reject(asError(signal.reason));
        return;
      }
      const stop = (): void => {
        clearTimeout(timer);
        reject(asError(signal?.reason));
      };
      const timer = setTimeout(() => {
        signal?.removeEventListener("abort", stop);
        resolve();
      }, ms);
      signal?.addEventListener("abort", stop, { once: true });
    }),
};

const asError = (reason: unknown): Error => (reason instanceof Error ? reason : new Error(String(reason)));
