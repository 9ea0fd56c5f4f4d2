import type { Names } from "@jichat/protocol/bus/names.ts";
import type { QueuedReport } from "@jichat/protocol/bus/push.ts";
import { encodePushEntries } from "@jichat/protocol/bus/push.ts";
import type { Clock } from "@jichat/protocol/clock.ts";
import { partitionOf } from "@jichat/protocol/ids.ts";
import { finalErrorOf } from "@jichat/runtime/final-errors.ts";
import type { ErrorLog } from "@jichat/runtime/telemetry.ts";
import type { ConnectorMetrics } from "./metrics.ts";

/** Most reports that wait. Beyond it the oldest is dropped: more sockets than a connector has. */
const WAITING_MAX = 65_536;
/** Most reports of one message; each has at most about 220 bytes. */
const AT_ONCE_MAX = 250;
const PUBLISH_TIMEOUT_MS = 2_000;
const RETRY_MS = 500;

interface OutboxParts {
  readonly js: {
    publish(subject: string, bytes: Uint8Array, options: { readonly timeout: number }): Promise<unknown>;
  };
  readonly names: Pick<Names, "pushSubject">;
  readonly partitions: number;
  readonly clock: Pick<Clock, "monotonic" | "sleep">;
  readonly metrics: Pick<ConnectorMetrics, "countReports">;
  readonly telemetry: { readonly log: ErrorLog };
}

/**
 * Reports for the push queue, each in its user's partition. They are published again until they are stored.
 */
export class ReportOutbox {
  readonly #parts: OutboxParts;
  /** By partition. */
  readonly #waiting = new Map<number, QueuedReport[]>();
  #size = 0;
  #isWriting = false;

  constructor(parts: OutboxParts) {
    this.#parts = parts;
  }

  get size(): number {
    return this.#size;
  }

  add(report: QueuedReport): void {
    const partition = partitionOf(report.user, this.#parts.partitions);
    const waiting = this.#waiting.get(partition) ?? [];
    this.#waiting.set(partition, waiting);
    waiting.push(report);
    this.#size += 1;
    if (this.#size > WAITING_MAX) this.#dropOldest();
    if (!this.#isWriting) void this.#write();
  }

  /** Resolves once nothing waits, or after `ms`. Returns the number of reports that are left. */
  async flush(ms: number): Promise<number> {
    const { clock } = this.#parts;
    const end = clock.monotonic() + ms;
    while (this.#size > 0 && clock.monotonic() < end) await clock.sleep(20);
    return this.#size;
  }

  /** Never rejects. */
  async #write(): Promise<void> {
    this.#isWriting = true;
    // Sockets that end together, as with their network, are reported together.
    await this.#parts.clock.sleep(0);
    for (let [next] = this.#waiting; next !== undefined; [next] = this.#waiting) {
      const [partition, waiting] = next;
      this.#waiting.delete(partition); // Behind the others, if something is left of it.
      const taken = waiting.splice(0, AT_ONCE_MAX);
      if (waiting.length > 0) this.#waiting.set(partition, waiting);
      if (!(await this.#publish(partition, taken))) {
        this.#waiting.set(partition, [...taken, ...(this.#waiting.get(partition) ?? [])]);
        await this.#parts.clock.sleep(RETRY_MS);
      }
    }
    this.#isWriting = false;
  }

  /** False if they may not have been stored: they have to be published again. */
  async #publish(partition: number, reports: readonly QueuedReport[]): Promise<boolean> {
    const { js, names, metrics, telemetry } = this.#parts;
    try {
      await js.publish(names.pushSubject(partition), encodePushEntries(reports), {
        timeout: PUBLISH_TIMEOUT_MS,
      });
      metrics.countReports("queued", reports.length);
    } catch (error) {
      const refusal = finalErrorOf(error);
      if (refusal === undefined) return false;
      metrics.countReports("refused", reports.length);
      telemetry.log.error({ err: refusal }, "the push queue refuses reports of half-open connections");
    }
    this.#size -= reports.length;
    return true;
  }

  #dropOldest(): void {
    for (const [partition, waiting] of this.#waiting) {
      waiting.shift();
      this.#size -= 1;
      if (waiting.length === 0) this.#waiting.delete(partition);
      this.#parts.metrics.countReports("dropped", 1);
      return;
    }
  }
}
