import type { Clock } from "@jichat/protocol/clock.ts";
import type { Logger } from "pino";
import type { Config } from "./config.ts";
import type { Held, Ownership } from "./ownership.ts";
import type { Store } from "./store.ts";
import { trimPartition } from "./trim.ts";

export interface TrimmerParts {
  readonly clock: Clock;
  readonly limits: Pick<Config, "trimEveryMs" | "trimGraceMs">;
  readonly ownership: Pick<Ownership, "all">;
  readonly store: Store;
  readonly log: Logger;
}

/** Trims the logs of the held partitions, one after the other. */
export class Trimmer {
  readonly #parts: TrimmerParts;
  readonly #stop = new AbortController();

  constructor(parts: TrimmerParts) {
    this.#parts = parts;
  }

  start(): void {
    void this.#loop(this.#stop.signal);
  }

  /** Starts no further partition. A running one is finished. */
  stop(): void {
    this.#stop.abort(new Error("stopped"));
  }

  async #loop(signal: AbortSignal): Promise<void> {
    const { clock, limits, ownership } = this.#parts;
    while (!signal.aborted) {
      await clock.sleep(limits.trimEveryMs, signal).catch(() => undefined);
      for (const [partition, held] of ownership.all) {
        if (signal.aborted) return;
        await this.#trim(partition, held);
      }
    }
  }

  async #trim(partition: number, { tail, log, done }: Held): Promise<void> {
    const { clock, limits, store, log: logger } = this.#parts;
    const { watermark } = tail;
    const trimLimits = { watermark, done, graceMs: limits.trimGraceMs, now: clock.now() };
    await trimPartition(log, store, { partition, limits: trimLimits, logger }).catch((error: unknown) => {
      logger.warn({ err: error, partition }, "the log was not trimmed");
    });
  }
}
