import type { Logger } from "pino";

/** Aborts on the first SIGTERM or SIGINT. A second one ends the process at once. */
export function shutdownSignal(): AbortSignal {
  const controller = new AbortController();
  for (const name of ["SIGTERM", "SIGINT"] as const) {
    process.on(name, () => {
      if (controller.signal.aborted) process.exit(130);
      controller.abort(new Error(`stopped by ${name}`));
    });
  }
  return controller.signal;
}

/** Time after a drain for requests in flight, effects and snapshots. Shorter than a pod's grace period. */
const STOP_MAX_MS = 28_000;

/**
 * Ends the process if its stop has not ended `STOP_MAX_MS` after a drain of `drainMs`, since a backend does
 * not answer.
 */
export function endBehind(drainMs: number, log: Pick<Logger, "error">): void {
  setTimeout(() => {
    log.error("the shutdown did not end in time, since a backend does not answer: the process ends now");
    process.exit(1);
  }, drainMs + STOP_MAX_MS).unref();
}

/** Resolves when the signal aborts. */
export const aborted = (signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    if (signal.aborted) resolve();
    else
      signal.addEventListener(
        "abort",
        () => {
          resolve();
        },
        { once: true },
      );
  });
