import { AckPolicy, DeliverPolicy } from "@nats-io/jetstream";
import type { Consumer, ConsumerConfig, JetStreamManager, JsMsg } from "@nats-io/jetstream";
import type { QueuedMessage } from "@jichat/protocol/bus/push.ts";
import { encodePushEntries } from "@jichat/protocol/bus/push.ts";
import type { Names } from "@jichat/protocol/bus/names.ts";
import type { Clock } from "@jichat/protocol/clock.ts";
import { limited } from "@jichat/runtime/limited.ts";
import { PENDING_MAX } from "./partition-work.ts";
import type { Queue, QueueMessage } from "./ports.ts";

/**
 * A message that was delivered and neither acknowledged nor reported as being worked on is delivered again
 * after this time: about as long as the lease of a worker that died.
 */
const ACK_WAIT_MS = 5_000;
const FETCH_MS = 2_000;
/** A fetch that has not ended by then has lost its server. */
const SILENT_MS = FETCH_MS + 2_000;
const ASK_MS = 3_000;
const ADD_MS = 2_000;
const NANOS = 1_000_000;

interface ReaderParts {
  readonly jsm: JetStreamManager;
  readonly names: Pick<Names, "pushConsumer" | "pushStream" | "pushSubject">;
  readonly clock: Clock;
}

/** The push queue in JetStream: one durable consumer for each partition. */
export class QueueReader implements Queue {
  readonly #parts: ReaderParts;

  constructor(parts: ReaderParts) {
    this.#parts = parts;
  }

  /**
   * Ends with an error if the consumer is lost; the caller reads again. What an earlier worker left undone is
   * delivered first: this waits for it, so that the order of each conversation stays.
   */
  async *read(
    partition: number,
    room: () => Promise<number>,
    heldOf: () => number,
    signal: AbortSignal,
  ): AsyncGenerator<QueueMessage | "idle"> {
    const consumer = await this.#open(partition, heldOf, signal);
    yield "idle";
    const order = new DeliveryOrder();
    while (!signal.aborted) {
      const most = await room();
      if (signal.aborted) return;
      yield* this.#fetch(consumer, order, { most, signal });
    }
  }

  async add(partition: number, message: QueuedMessage, id: string): Promise<void> {
    const { jsm, names } = this.#parts;
    await jsm
      .jetstream()
      .publish(names.pushSubject(partition), encodePushEntries([message]), { msgID: id, timeout: ADD_MS });
  }

  async #open(partition: number, heldOf: () => number, signal: AbortSignal): Promise<Consumer> {
    const { jsm, names, clock } = this.#parts;
    const config: Partial<ConsumerConfig> = {
      durable_name: names.pushConsumer(partition),
      filter_subject: names.pushSubject(partition),
      ack_policy: AckPolicy.Explicit,
      deliver_policy: DeliverPolicy.All,
      ack_wait: ACK_WAIT_MS * NANOS,
      max_ack_pending: PENDING_MAX,
      max_deliver: -1,
    };
    const info = await limited(
      "a consumer of the push queue",
      ASK_MS,
      jsm.consumers.add(names.pushStream, config),
    );
    // Those that we hold ourselves are in order already.
    if (info.num_ack_pending > heldOf()) await clock.sleep(ACK_WAIT_MS, signal);
    return jsm.jetstream().consumers.getConsumerFromInfo(info);
  }

  async *#fetch(
    consumer: Consumer,
    order: DeliveryOrder,
    { most, signal }: { readonly most: number; readonly signal: AbortSignal },
  ): AsyncGenerator<QueueMessage | "idle"> {
    const messages = await limited(
      "a fetch of the push queue",
      ASK_MS,
      consumer.fetch({ max_messages: most, expires: FETCH_MS }),
    );
    let isLost = false;
    const silent = setTimeout(() => {
      isLost = true;
      messages.stop();
    }, SILENT_MS);
    const stop = (): void => {
      messages.stop();
    };
    signal.addEventListener("abort", stop, { once: true });
    let count = 0;
    try {
      for await (const message of messages) {
        count += 1;
        silent.refresh();
        order.next(message.info.deliverySequence);
        yield queueMessageOf(message);
      }
    } finally {
      clearTimeout(silent);
      signal.removeEventListener("abort", stop);
    }
    if (isLost) throw new Error("the push queue sent nothing, not even the end of a fetch");
    if (count === 0) yield "idle";
  }
}

/** Throws if a delivery was lost on its way: those behind it must not go first. */
class DeliveryOrder {
  #last: number | undefined;

  next(delivery: number): void {
    if (this.#last !== undefined && delivery > this.#last + 1)
      throw new Error("a message of the push queue was lost on its way: it is waited for");
    this.#last = delivery;
  }
}

const queueMessageOf = (message: JsMsg): QueueMessage => ({
  position: message.seq,
  bytes: message.data,
  deliveries: message.info.deliveryCount,
  pending: message.info.pending,
  ack: () => {
    message.ack();
  },
  working: () => {
    message.working();
  },
  later: (ms) => {
    message.nak(ms === 0 ? undefined : ms);
  },
});
