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

/** Behind a drain: requests under way with their time-outs, effects, snapshots. Less than a pod is given. */
const STOP_MAX_MS = 28_000;

/** A stop ends: what has not ended by then, since a backend is away, is left as it is. */
export function endBehind(drainMs: number, log: Pick<Logger, "error">): void {
  setTimeout(() => {
    log.error("the stop did not end by itself: a backend is away");
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
