import type { JetStreamManager } from "@nats-io/jetstream";
import type { Names } from "@jichat/protocol/bus/names.ts";
import { systemClock } from "@jichat/protocol/clock.ts";
import { PartitionLog } from "@jichat/log/partition-log.ts";
import type { Telemetry } from "@jichat/runtime/telemetry.ts";
import type { LogStates } from "./log-states.ts";

const EVERY_MS = 2_000;

interface Watched {
  readonly jsm: JetStreamManager;
  readonly names: Names;
  readonly partitions: number;
  readonly telemetry: Pick<Telemetry, "log">;
}

/** Asks the leaders of the logs that are served here for their state. */
export class LogWatch {
  readonly #watched: Watched;
  readonly #states: LogStates;
  readonly #isServed: (partition: number) => boolean;

  constructor(watched: Watched, states: LogStates, isServed: (partition: number) => boolean) {
    this.#watched = watched;
    this.#states = states;
    this.#isServed = isServed;
  }

  /** One look at a time: a log that does not answer delays the next look, and does not add further ones. */
  async run(signal: AbortSignal): Promise<void> {
    const partitions = Array.from({ length: this.#watched.partitions }, (_, partition) => partition);
    while (!signal.aborted) {
      await Promise.all(partitions.map(async (partition) => this.#readLogState(partition)));
      this.#states.sum();
      // The signal may abort during the sleep; the loop's condition sees it.
      await systemClock.sleep(EVERY_MS, signal).catch(() => undefined);
    }
  }

  async #readLogState(partition: number): Promise<void> {
    const { jsm, names, telemetry } = this.#watched;
    if (!this.#isServed(partition)) {
      this.#states.forget(partition);
      return;
    }
    try {
      const state = await new PartitionLog(jsm, names, partition).state();
      this.#states.hear(partition, state, systemClock.monotonic());
    } catch (error) {
      telemetry.log.warn({ err: error, partition }, "the state of the log cannot be read");
    }
  }
}
