import { JetStreamApiError } from "@nats-io/jetstream";
import type { JetStreamManager } from "@nats-io/jetstream";
import type { Names } from "@jichat/protocol/bus/names.ts";
import { systemClock } from "@jichat/protocol/clock.ts";
import type { Telemetry } from "@jichat/runtime/telemetry.ts";
import type { PartitionLook, PushQueueLook } from "./push-drops.ts";
import { droppedBetween } from "./push-drops.ts";

const EVERY_MS = 10_000;
/** The code of NATS for a consumer that does not exist. */
const CONSUMER_NOT_FOUND = 10_014;

interface Watched {
  readonly jsm: JetStreamManager;
  readonly names: Pick<Names, "pushConsumer" | "pushStream" | "pushSubject">;
  readonly telemetry: Pick<Telemetry, "log">;
}

/** Looks at the push queue of the partitions that are served here, whether there are workers or not. */
export class PushWatch {
  readonly #watched: Watched;
  readonly #served: () => Iterable<number>;
  #last: PushQueueLook | undefined;
  #dropped = 0;

  constructor(watched: Watched, served: () => Iterable<number>) {
    this.#watched = watched;
    this.#served = served;
  }

  /** Messages that were dropped since this router started (`droppedBetween`). */
  get dropped(): number {
    return this.#dropped;
  }

  /** Messages that no worker was given yet; NaN while it is unknown. */
  get waiting(): number {
    const looks = this.#last?.partitions.values();
    return looks === undefined ? Number.NaN : [...looks].reduce((sum, { waiting }) => sum + waiting, 0);
  }

  /** One look at a time. A queue that does not answer is unknown until it does. */
  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      try {
        const now = await this.#look();
        if (this.#last !== undefined) this.#dropped += droppedBetween(this.#last, now);
        this.#last = now;
      } catch (error) {
        this.#last = undefined;
        this.#watched.telemetry.log.warn({ err: error }, "the state of the push queue cannot be read");
      }
      // The signal may abort during the sleep; the loop's condition sees it.
      await systemClock.sleep(EVERY_MS, signal).catch(() => undefined);
    }
  }

  async #look(): Promise<PushQueueLook> {
    const { jsm, names } = this.#watched;
    const looks = await Promise.all([...this.#served()].map(async (partition) => this.#lookAt(partition)));
    const { state } = await jsm.streams.info(names.pushStream);
    return { first: state.first_seq, partitions: new Map(looks) };
  }

  async #lookAt(partition: number): Promise<readonly [number, PartitionLook]> {
    const { jsm, names } = this.#watched;
    try {
      const info = await jsm.consumers.info(names.pushStream, names.pushConsumer(partition));
      return [partition, { given: info.delivered.stream_seq, waiting: info.num_pending }];
    } catch (error) {
      if (!(error instanceof JetStreamApiError) || error.code !== CONSUMER_NOT_FOUND) throw error;
      // No worker has ever read this partition.
      const subject = names.pushSubject(partition);
      const { state } = await jsm.streams.info(names.pushStream, { subjects_filter: subject });
      return [partition, { given: 0, waiting: state.subjects?.[subject] ?? 0 }];
    }
  }
}
