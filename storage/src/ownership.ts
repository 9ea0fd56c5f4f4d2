import type { Run } from "./run.ts";
import type { Clock } from "@jichat/protocol/clock.ts";
import type { Fault } from "@jichat/protocol/faults.ts";
import type { Hearing } from "@jichat/runtime/hearing.ts";
import { hearingOf } from "@jichat/runtime/hearing.ts";
import type { LeaseHolder } from "@jichat/log/leases.ts";
import { limited } from "@jichat/runtime/limited.ts";
import type { PartitionLog } from "@jichat/log/partition-log.ts";
import type { Logger } from "pino";
import { consume } from "./consumer.ts";
import { LogRegressed } from "./log-regressed.ts";
import type { Tail } from "./tail.ts";

const RETRY_MS = 500;
/** Interval of checks whether a person has repaired the log or restored the newer store. */
const REGRESSED_RETRY_MS = 3_000;
/** Limit for writing the last run, because the successor waits for it. An unwritten run stays in the log. */
const LAST_RUN_MAX_MS = 5_000;

/**
 * A replaced reader hears the log again within this time. A log that is silent for longer is reported as a
 * fault.
 */
export const UNHEARD_MAX_MS = 30_000;

/** A partition that is consumed and whose queries are answered. */
export interface Held {
  readonly tail: Tail;
  readonly log: PartitionLog;
  readonly hearing: Hearing;
  /** Effects are done up to this position, as the batches themselves say. */
  done: number;
}

interface Served extends Held {
  readonly release: () => void;
}

/** A partition that is leased to this process, whether or not it can be served. */
interface Leased {
  /** Aborted when the lease ends. */
  readonly stop: AbortController;
  /** Monotonic ms: when its log was last heard, or when the lease began. */
  heardAt: number;
}

export interface OwnershipParts {
  readonly clock: Clock;
  readonly log: Logger;
  /** Limit for all tails together. Above it nothing is consumed. */
  readonly tailBytesMax: number;
  /** Opens a partition at its watermark. Throws LogRegressed if the log does not continue from there. */
  readonly open: (partition: number) => Promise<{ readonly tail: Tail; readonly log: PartitionLog }>;
  /** Starts answering queries. Returns a function that stops it. */
  readonly serve: (partition: number, tail: Tail) => () => void;
  readonly write: (run: Run) => Promise<void>;
  readonly onHeld: (tails: readonly Tail[]) => void;
}

/**
 * The partitions leased to this process. Each is opened and consumed until its lease ends. After a failure it
 * is opened again.
 */
export class Ownership implements LeaseHolder {
  readonly #parts: OwnershipParts;
  readonly #wishes = new Map<number, Leased>();
  readonly #held = new Map<number, Served>();
  /** Regressed partitions, with the reason. */
  readonly #regressed = new Map<number, string>();

  constructor(parts: OwnershipParts) {
    this.#parts = parts;
  }

  get all(): ReadonlyMap<number, Held> {
    return this.#held;
  }

  get tails(): Tail[] {
    return [...this.#held.values()].map(({ tail }) => tail);
  }

  get regressed(): number {
    return this.#regressed.size;
  }

  /** Leased partitions whose log is not heard. Their lag is unknown. */
  get unheard(): number[] {
    return [...this.#wishes.keys()].filter(
      (partition) => this.#held.get(partition)?.hearing.isHeard !== true,
    );
  }

  /** Records how far a partition's effects are done, as the written batches say. */
  effectsDone(partition: number, done: number): void {
    const held = this.#held.get(partition);
    if (held !== undefined) held.done = Math.max(held.done, done);
  }

  /** Faults of the leased partitions that need a person's attention. */
  faults(): readonly Fault[] {
    const now = this.#parts.clock.monotonic();
    const deaf = [...this.#wishes].flatMap(([partition, { heardAt }]) => {
      if (this.#regressed.has(partition)) return [];
      const hearing = this.#held.get(partition)?.hearing;
      const unheardMs = hearing?.isHeard === true ? 0 : hearing?.lostMs || now - heardAt;
      return unheardMs > UNHEARD_MAX_MS ? [partition] : [];
    });
    return [
      ...[...this.#regressed].map(([partition, why]): Fault => ({
        fault: "LogRegressed",
        partitions: [partition],
        why,
      })),
      ...(deaf.length === 0
        ? []
        : [
            {
              fault: "LogUnheard",
              partitions: deaf.sort((a, b) => a - b),
              why: "storage holds their leases, but cannot read their logs or their rows in ClickHouse",
            } as const,
          ]),
    ];
  }

  /** Number of batches that are in the logs but not in ClickHouse. NaN while any log is not heard. */
  get lag(): number {
    if (this.unheard.length > 0) return Number.NaN;
    let batches = 0;
    for (const { tail, hearing } of this.#held.values())
      batches += Math.max(hearing.end, tail.consumed) - tail.watermark;
    return batches;
  }

  /** Why the lag is unknown. A regressed partition is left out: `faults` reports it. */
  notReady(): string | undefined {
    const unheard = this.unheard.filter((partition) => !this.#regressed.has(partition));
    return unheard.length === 0
      ? undefined
      : `storage does not receive the logs of partitions ${unheard.join(", ")}`;
  }

  /** A lease has come. Opening goes on in the background, and is tried again after a failure. */
  acquire(partition: number): void {
    if (this.#wishes.has(partition)) return;
    const stop = new AbortController();
    this.#wishes.set(partition, { stop, heardAt: this.#parts.clock.monotonic() });
    void this.#hold(partition, stop.signal);
  }

  /** Gives a lease up. Resolves once the last run is written, or after `LAST_RUN_MAX_MS`. */
  async give(partition: number): Promise<void> {
    this.#endWish(partition);
    await this.#letGo(partition, this.#held.get(partition));
  }

  /** Another process holds the lease. The tail is dropped without a last run; the log still has it. */
  lose(partition: number): void {
    this.#endWish(partition);
    this.#release(partition, this.#held.get(partition));
  }

  /** Stops opening and consuming partitions. The tails stay, so that they can be written. */
  stop(): void {
    for (const partition of this.#wishes.keys()) this.#endWish(partition);
  }

  #endWish(partition: number): void {
    this.#wishes.get(partition)?.stop.abort(new Error("the lease is lost"));
    this.#wishes.delete(partition);
    this.#regressed.delete(partition);
  }

  async #hold(partition: number, signal: AbortSignal): Promise<void> {
    const { clock, log } = this.#parts;
    while (!signal.aborted) {
      let restMs = RETRY_MS;
      try {
        await this.#holdOnce(partition, signal);
      } catch (error) {
        if (signal.aborted) return;
        if (error instanceof LogRegressed) {
          this.#regressed.set(partition, error.message);
          restMs = REGRESSED_RETRY_MS;
        }
        log.error({ err: error, partition }, "a partition cannot be read: it is opened again");
      }
      // The sleep rejects if the lease ends.
      await clock.sleep(restMs, signal).catch(() => undefined);
    }
  }

  async #holdOnce(partition: number, signal: AbortSignal): Promise<void> {
    const { open, serve, onHeld, clock, log: logger } = this.#parts;
    const { tail, log } = await open(partition);
    if (signal.aborted) return; // Another process has the partition by now.
    this.#regressed.delete(partition);
    const hearing = hearingOf(logger, "a log", { partition });
    const held = { tail, log, hearing, done: 0, release: serve(partition, tail) };
    this.#held.set(partition, held);
    onHeld(this.tails);
    try {
      await consume(log, tail, { isFull: () => this.#isFull(), hearing, clock, signal });
    } catch (error) {
      const leased = this.#wishes.get(partition);
      if (leased !== undefined && (hearing.isHeard || hearing.lostMs > 0))
        leased.heardAt = clock.monotonic() - hearing.lostMs;
      await this.#letGo(partition, held);
      throw error;
    }
  }

  #isFull(): boolean {
    let bytes = 0;
    for (const { tail } of this.#held.values()) bytes += tail.bytes;
    return bytes > this.#parts.tailBytesMax;
  }

  /** False if it was already released. */
  #release(partition: number, held: Served | undefined): held is Served {
    if (held === undefined || this.#held.get(partition) !== held) return false;
    this.#held.delete(partition);
    held.release();
    return true;
  }

  async #letGo(partition: number, held: Served | undefined): Promise<void> {
    if (!this.#release(partition, held)) return;
    const run = held.tail.cut();
    if (run === undefined) return;
    // An unwritten run stays in the log. The successor starts at the watermark.
    await limited("the last run", LAST_RUN_MAX_MS, this.#parts.write(run)).catch((error: unknown) => {
      this.#parts.log.warn({ err: error, partition }, "the last run was not written; it stays in the log");
    });
  }
}
