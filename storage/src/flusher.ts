import type { Clock } from "@jichat/protocol/clock.ts";
import type { Fault } from "@jichat/protocol/faults.ts";
import type { Telemetry } from "@jichat/runtime/telemetry.ts";
import type { Config } from "./config.ts";
import type { StorageMetrics } from "./metrics.ts";
import type { Ownership } from "./ownership.ts";
import type { Run } from "./run.ts";
import { Unwritten } from "./unwritten.ts";

const FLUSH_RETRY_MS = 500;
/** Interval at which the flusher checks the tails. */
const STEP_MS = 50;

export interface FlusherParts {
  readonly clock: Clock;
  readonly limits: Pick<Config, "flushMs" | "flushRows">;
  readonly ownership: Pick<Ownership, "tails" | "effectsDone">;
  readonly telemetry: Pick<Telemetry, "log" | "linked">;
  readonly metrics: Pick<StorageMetrics, "countInsert" | "countFailure">;
  /** Makes runs durable in ClickHouse. */
  readonly write: (runs: readonly Run[]) => Promise<void>;
  /** Called after a flush, when watermarks have moved. */
  readonly onWritten: () => Promise<void>;
}

/** Writes the tails to ClickHouse: all partitions with one insert per table. */
export class Flusher {
  readonly #parts: FlusherParts;
  readonly #unwritten: Unwritten;
  readonly #stop = new AbortController();
  #ended: Promise<void> = Promise.resolve();

  constructor(parts: FlusherParts) {
    this.#parts = parts;
    this.#unwritten = new Unwritten(parts.clock);
  }

  start(): void {
    this.#ended = this.#loop(this.#stop.signal);
  }

  /** Flushes once more. Resolves when that is done. */
  async stop(): Promise<void> {
    this.#stop.abort(new Error("stopped"));
    await this.#ended;
  }

  /** Milliseconds for which ClickHouse has not accepted the pending insert; 0 if none is pending. */
  get unwrittenMs(): number {
    return this.#unwritten.ms;
  }

  /** HistoryStuck for all held partitions, if ClickHouse has accepted nothing for too long. */
  faults(): readonly Fault[] {
    const why = this.#unwritten.fault();
    if (why === undefined) return [];
    const { tails } = this.#parts.ownership;
    const partitions = tails.map(({ partition }) => partition).sort((a, b) => a - b);
    return [{ fault: "HistoryStuck", partitions, why }];
  }

  /** Flushes when the tails are old enough or large enough. */
  async #loop(signal: AbortSignal): Promise<void> {
    const { clock, limits, ownership } = this.#parts;
    let waited = 0;
    while (!signal.aborted) {
      const step = Math.min(STEP_MS, limits.flushMs);
      await clock.sleep(step);
      waited += step;
      const records = ownership.tails.reduce((sum, { growing }) => sum + growing.records, 0);
      if (waited < limits.flushMs && records < limits.flushRows) continue;
      waited = 0;
      await this.#flush();
    }
    await this.#flush();
  }

  async #flush(): Promise<void> {
    const { clock, ownership, telemetry, metrics, write, onWritten } = this.#parts;
    const cuts = ownership.tails.flatMap((tail) => {
      const run = tail.cut();
      return run === undefined ? [] : [{ tail, run }];
    });
    const worth = cuts.filter(({ run }) => run.last >= run.first);
    if (worth.length === 0) return;
    const started = clock.monotonic();
    this.#unwritten.begins();
    const runs = worth.map(({ run }) => run);
    const traces = runs.flatMap((run) => run.traces);
    const span = telemetry.linked("storage insert", traces);
    try {
      await write(runs);
    } catch (error) {
      metrics.countFailure();
      this.#unwritten.fails(error);
      telemetry.log.warn(
        { err: error },
        "ClickHouse does not accept inserts: the same runs are inserted again",
      );
      await clock.sleep(FLUSH_RETRY_MS);
      return;
    } finally {
      span?.end();
    }
    this.#unwritten.ends();
    for (const { tail, run } of worth) {
      tail.written(run);
      ownership.effectsDone(run.partition, run.done);
    }
    const records = runs.reduce((sum, run) => sum + run.records, 0);
    metrics.countInsert(records, clock.monotonic() - started);
    await onWritten();
  }
}
