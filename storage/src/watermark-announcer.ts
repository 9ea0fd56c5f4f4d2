import type { KV } from "@nats-io/kv";
import { watermarkText } from "@jichat/protocol/bus/kv-values.ts";
import { systemClock } from "@jichat/protocol/clock.ts";
import type { Logger } from "pino";
import type { Tail } from "./tail.ts";

const EVERY_MS = 2_000;

/**
 * Tells routers the watermark of each log. It is a cache: if it lags, routers only keep more in memory for a
 * while.
 */
export class WatermarkAnnouncer {
  readonly #bucket: KV;
  readonly #log: Logger;
  readonly #told = new Map<number, number>();
  #toldAt = Number.NEGATIVE_INFINITY;

  constructor(bucket: KV, log: Logger) {
    this.#bucket = bucket;
    this.#log = log;
  }

  /** Like `announce`, but at most once every two seconds. */
  async announceSometimes(tails: readonly Tail[]): Promise<void> {
    if (systemClock.monotonic() - this.#toldAt >= EVERY_MS) await this.announce(tails);
  }

  /** Announces the watermarks that have changed since the last time. */
  async announce(tails: readonly Tail[]): Promise<void> {
    this.#toldAt = systemClock.monotonic();
    for (const { partition, watermark } of tails) {
      if (this.#told.get(partition) === watermark) continue;
      this.#told.set(partition, watermark);
      await this.#bucket.put(String(partition), watermarkText(watermark)).catch((error: unknown) => {
        this.#told.delete(partition);
        this.#log.warn({ err: error, partition }, "the watermark was not announced");
      });
    }
  }
}
