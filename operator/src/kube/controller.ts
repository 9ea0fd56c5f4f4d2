import type { Logger } from "pino";
import { KubeError, isConflict } from "./errors.ts";
import type { WorkQueue } from "./work-queue.ts";

/** The delay before the next pass if nothing changes; undefined means to wait for a change. */
export interface Next {
  readonly afterMs: number | undefined;
  /** A part of the work was refused, and repeating it would not help. */
  readonly isRefused?: boolean;
}

export type Outcome = "ok" | "refused" | "conflict" | "error";

export interface ControllerOptions {
  readonly queue: WorkQueue;
  readonly reconcile: (key: string, signal: AbortSignal) => Promise<Next>;
  readonly workers: number;
  readonly log: Logger;
  readonly onPass: (outcome: Outcome, ms: number) => void;
}

/** Takes keys from the queue and reconciles them until the signal aborts. Running passes are finished. */
export async function runController(options: ControllerOptions, signal: AbortSignal): Promise<void> {
  const { queue } = options;
  const stop = (): void => {
    queue.close();
  };
  if (signal.aborted) stop();
  signal.addEventListener("abort", stop, { once: true });
  await Promise.all(Array.from({ length: options.workers }, () => work(options, signal)));
  signal.removeEventListener("abort", stop);
}

async function work(
  { queue, reconcile, log, onPass }: ControllerOptions,
  signal: AbortSignal,
): Promise<void> {
  for (let key = await queue.next(); key !== undefined; key = await queue.next()) {
    const started = performance.now();
    try {
      const { afterMs, isRefused = false } = await reconcile(key, signal);
      queue.forget(key);
      if (afterMs !== undefined) queue.addAfter(key, afterMs);
      onPass(isRefused ? "refused" : "ok", performance.now() - started);
    } catch (error) {
      onPass(isConflict(error) ? "conflict" : "error", performance.now() - started);
      if (isConflict(error))
        log.debug({ err: error, key }, "an object was changed during the pass: the pass runs again");
      else log.warn({ err: error, key }, "a pass failed: it runs again later");
      if (error instanceof KubeError && error.retryAfterMs !== undefined)
        queue.addAfter(key, error.retryAfterMs);
      else queue.addFailed(key);
    } finally {
      queue.done(key);
    }
  }
}
