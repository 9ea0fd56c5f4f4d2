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

/** A stop ends: what has not ended by then, since a backend is away, is left as it is. */
export function endWithin(ms: number, log: Pick<Logger, "error">): void {
  setTimeout(() => {
    log.error({ ms }, "the stop does not end by itself");
    process.exit(1);
  }, ms).unref();
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
