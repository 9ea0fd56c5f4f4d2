import type { Clock } from "@jichat/protocol/clock.ts";
import type { Scope } from "./job.ts";
import type { Lanes } from "./lanes.ts";
import type { Log, Queue, QueueMessage } from "./ports.ts";
import type { Room } from "./room.ts";
import type { Taken, Worker } from "./worker.ts";

/** Messages that are decided together: so many, of so many bytes, or one. */
const BATCH_MAX = 64;
const BATCH_BYTES_MAX = 65_536;
/** A message that takes longer is reported as being worked on, again each time: well within the ack wait. */
const WORKING_MS = 2_000;
/**
 * All attempts at a push take less: four of 10 s, with waits of 30 s at most. What is not done by then waits
 * for something else, and somebody should know.
 */
const LONG_MS = 150_000;
const RETRY_MS = 500;
const FULL_LOOK_MS = 10;
/** A message that fails for a reason of its own is given up after as many deliveries. */
const DELIVERIES_MAX = 5;
const AGAIN_MS = 5_000;
/** Messages of one partition that are not done: as many as the server delivers without an ack. */
export const PENDING_MAX = 1_000;

interface Held {
  readonly since: number;
  message: QueueMessage;
  toldAt: number;
}

export interface PartitionWorkParts {
  readonly clock: Clock;
  readonly queue: Pick<Queue, "read">;
  readonly worker: Pick<Worker, "take">;
  readonly lanes: Pick<Lanes, "flush">;
  readonly room: Room;
  readonly log: Log;
}

/** Reads one partition's queue while it is leased, and acknowledges each message once it is done. */
export class PartitionWork {
  readonly #parts: PartitionWorkParts;
  readonly #held = new Map<number, Held>();
  readonly #reading = new AbortController();
  readonly #stop = new AbortController();
  readonly #scope: Scope;
  #inbox: QueueMessage[] = [];
  #wake: () => void = () => {};
  #pending = 0;
  #heardAt: number | undefined;
  #isFull = false;
  /** When it was said last that something is not done for long. */
  #longToldAt = Number.NEGATIVE_INFINITY;

  constructor(parts: PartitionWorkParts, partition: number) {
    this.#parts = parts;
    this.#scope = { partition, signal: this.#stop.signal, closing: this.#reading.signal };
  }

  /** Messages that are not done, the ones that have not arrived too. `undefined` before the first arrived. */
  get waiting(): number | undefined {
    return this.#heardAt === undefined ? undefined : this.#pending + this.#held.size;
  }

  /** Monotonic milliseconds of the last sign of the queue. It needs none while there is no room for more. */
  get heardAt(): number | undefined {
    return this.#isFull ? this.#parts.clock.monotonic() : this.#heardAt;
  }

  get scope(): Scope {
    return this.#scope;
  }

  start(): void {
    void this.#read();
    void this.#work();
    void this.#tell();
  }

  /**
   * Reads no more, and resolves once all that was read is done, or after `ms`. What is not done by then is
   * delivered to the next worker at once.
   */
  async close(ms: number): Promise<void> {
    this.#reading.abort(new Error("the partition is given up"));
    this.#parts.lanes.flush();
    const end = this.#parts.clock.monotonic() + ms;
    while (this.#held.size > 0 && this.#parts.clock.monotonic() < end) await this.#parts.clock.sleep(20);
    for (const { message } of this.#held.values()) message.later(0);
    this.drop();
  }

  /** Another worker has the partition: nothing more is begun or acknowledged. */
  drop(): void {
    this.#reading.abort(new Error("the lease is lost"));
    this.#stop.abort(new Error("the lease is lost"));
    this.#parts.lanes.flush();
    this.#wake();
    for (const { message } of this.#held.values()) this.#parts.room.leave(message.bytes.length);
    this.#held.clear();
  }

  async #read(): Promise<void> {
    const { queue, clock, log, room } = this.#parts;
    const { signal } = this.#reading;
    const free = async (): Promise<number> => {
      this.#isFull = true;
      while (this.#held.size >= PENDING_MAX) {
        this.#parts.lanes.flush(this.#scope.partition);
        await clock.sleep(FULL_LOOK_MS, signal);
      }
      const most = await room.enter(signal);
      this.#isFull = false;
      this.#heardAt = clock.monotonic();
      return most;
    };
    while (!signal.aborted) {
      try {
        const messages = queue.read(this.#scope.partition, free, () => this.#held.size, signal);
        for await (const message of messages) this.#arrive(message);
      } catch (error) {
        if (signal.aborted) return;
        log.warn(
          { err: error, partition: this.#scope.partition },
          "the push queue cannot be read: trying again",
        );
      }
      await clock.sleep(RETRY_MS, signal).catch(() => undefined); // The loop's condition sees the abort.
    }
  }

  #arrive(message: QueueMessage | "idle"): void {
    if (this.#stop.signal.aborted) return; // It was on its way: the next worker gets it again.
    this.#heardAt = this.#parts.clock.monotonic();
    if (message === "idle") {
      this.#pending = 0;
      return;
    }
    this.#pending = message.pending;
    const known = this.#held.get(message.position);
    if (known !== undefined) {
      known.message = message; // Delivered again while it is being worked on: the latest one is acknowledged.
      return;
    }
    const since = this.#heardAt;
    this.#held.set(message.position, { message, since, toldAt: since });
    this.#parts.room.hold(message.bytes.length);
    this.#inbox.push(message);
    this.#wake();
  }

  async #work(): Promise<void> {
    const { signal } = this.#stop;
    while (!signal.aborted) {
      const batch = this.#nextBatch();
      if (batch.length === 0) {
        const { promise, resolve } = Promise.withResolvers<void>();
        this.#wake = resolve;
        await promise;
        continue;
      }
      try {
        await this.#parts.room.untilLess(signal);
        await this.#parts.worker.take(
          batch.map((message) => this.#takenOf(message)),
          this.#scope,
        );
      } catch (error) {
        for (const message of batch) this.#failed(message, error);
      }
    }
  }

  #nextBatch(): readonly QueueMessage[] {
    let bytes = 0;
    const over = this.#inbox.findIndex((message, index) => {
      bytes += message.bytes.length;
      return index === BATCH_MAX || (index > 0 && bytes > BATCH_BYTES_MAX);
    });
    return this.#inbox.splice(0, over === -1 ? this.#inbox.length : over);
  }

  #takenOf(message: QueueMessage): Taken {
    return {
      bytes: message.bytes,
      done: (error) => {
        if (error === undefined) this.#done(message.position)?.ack();
        else this.#failed(message, error);
      },
    };
  }

  /** The latest delivery of a message that is held no more. */
  #done(position: number): QueueMessage | undefined {
    const held = this.#held.get(position);
    if (held === undefined) return undefined;
    this.#held.delete(position);
    this.#parts.room.leave(held.message.bytes.length);
    return held.message;
  }

  #failed({ position }: QueueMessage, error: unknown): void {
    if (this.#stop.signal.aborted) return;
    const message = this.#done(position);
    if (message === undefined) return;
    const { partition } = this.#scope;
    if (message.deliveries < DELIVERIES_MAX) {
      this.#parts.log.warn(
        { err: error, partition, position },
        "an entry of the push queue failed: once more",
      );
      message.later(AGAIN_MS);
      return;
    }
    this.#parts.log.error(
      { err: error, partition, position },
      "an entry of the push queue fails each time, and is dropped",
    );
    message.ack();
  }

  async #tell(): Promise<void> {
    const { clock } = this.#parts;
    const { signal } = this.#stop;
    while (!signal.aborted) {
      await clock.sleep(WORKING_MS / 2, signal).catch(() => undefined); // The loop sees the abort.
      const now = clock.monotonic();
      for (const held of this.#held.values()) {
        if (now - held.toldAt < WORKING_MS) continue;
        held.toldAt = now;
        held.message.working();
      }
      this.#tellOfLong(now);
    }
  }

  #tellOfLong(now: number): void {
    if (now - this.#longToldAt < LONG_MS) return;
    const long = [...this.#held].filter(([, { since }]) => now - since >= LONG_MS);
    const [oldest] = long;
    if (oldest === undefined) return;
    this.#longToldAt = now;
    this.#parts.log.warn(
      { partition: this.#scope.partition, entries: long.length, position: oldest[0] },
      "entries of the push queue are not done for minutes: they are still worked on",
    );
  }
}
