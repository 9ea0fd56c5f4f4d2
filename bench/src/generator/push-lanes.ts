import type { JetStreamClient } from "@nats-io/jetstream";
import { jetstream } from "@nats-io/jetstream";
import { connect } from "@nats-io/transport-node";
import { namesOf } from "@jichat/protocol/bus/names.ts";
import type { QueuedMessage } from "@jichat/protocol/bus/push.ts";
import { encodePushTexts } from "@jichat/protocol/bus/push.ts";
import { pause } from "./load.ts";

/** As a router's (`router/src/push-texts.ts`): most bytes of one message of the queue. */
const BYTES_MAX = 65_536;
/** As a router's (`router/src/push-lane.ts`): what is added gathers for as long. */
const GATHER_MS = 20;
const WRAPPING_BYTES = 32;

/**
 * Writes to the push queue as routers do: one write at a time for each partition, of what gathers for a
 * moment and meanwhile.
 */
export class PushLanes {
  readonly #js: JetStreamClient;
  readonly #subjects: readonly string[];
  readonly #waiting: string[][];
  readonly #writing = new Map<number, Promise<void>>();
  readonly #close: () => Promise<void>;

  private constructor(js: JetStreamClient, subjects: readonly string[], close: () => Promise<void>) {
    this.#js = js;
    this.#subjects = subjects;
    this.#close = close;
    this.#waiting = subjects.map(() => []);
  }

  static async open(natsUrl: string, cluster: string, partitions: number): Promise<PushLanes> {
    const nats = await connect({ servers: natsUrl });
    const names = namesOf(cluster);
    const subjects = Array.from({ length: partitions }, (_, partition) => names.pushSubject(partition));
    return new PushLanes(jetstream(nats), subjects, async () => nats.close());
  }

  add(partition: number, entry: QueuedMessage): void {
    this.#waiting[partition]?.push(JSON.stringify(entry));
    if (!this.#writing.has(partition)) this.#writing.set(partition, this.#write(partition));
  }

  /** Resolves once all that was added is in the queue. Rejects if a part of it is not. */
  async done(): Promise<void> {
    await Promise.all(this.#writing.values());
    await this.#close();
  }

  async #write(partition: number): Promise<void> {
    const waiting = this.#waiting[partition] ?? [];
    while (waiting.length > 0) {
      await pause(GATHER_MS);
      const texts = waiting.splice(0, fitting(waiting));
      await this.#js.publish(this.#subjects[partition] ?? "", encodePushTexts(texts));
    }
    this.#writing.delete(partition);
  }
}

/** How many of the first texts have room in one message; all of them are ASCII. */
function fitting(texts: readonly string[]): number {
  let bytes = WRAPPING_BYTES;
  const over = texts.findIndex((text, index) => {
    bytes += text.length + 1;
    return index > 0 && bytes > BYTES_MAX;
  });
  return over === -1 ? texts.length : over;
}
