import type { LogRecord } from "@jichat/protocol/log/record.ts";
import type { Positioned } from "@jichat/runtime/partition-log.ts";
import { Recents } from "./recent.ts";
import type { Rows } from "./rows.ts";
import { addRun } from "./rows.ts";
import { BATCH_BYTES, CONVERSATION_BYTES, MEMBERSHIP_BYTES, USER_BYTES, recordBytes } from "./tail-bytes.ts";

/** What a run of the log said about one conversation, in log order. */
export interface TailRecord {
  readonly record: LogRecord;
  readonly position: number;
}

/** A run of a partition's log that is consumed and not yet in ClickHouse, indexed for readers. */
export class Run {
  readonly partition: number;
  readonly first: number;
  last: number;
  readonly #batches: Positioned[] = [];
  readonly conversations = new Map<string, TailRecord[]>();
  /** Conversations whose membership changed here, by user. */
  readonly users = new Map<string, Set<string>>();
  bytes = 0;
  records = 0;
  done = 0;
  lastTs = 0;
  readonly traces: string[] = [];

  constructor(partition: number, first: number) {
    this.partition = partition;
    this.first = first;
    this.last = first - 1;
  }

  add(positioned: Positioned): void {
    const { position, batch } = positioned;
    this.#batches.push(positioned);
    this.last = position;
    this.done = Math.max(this.done, batch.done);
    this.lastTs = batch.ts;
    this.bytes += BATCH_BYTES;
    for (const record of batch.records) this.#index(record, position);
  }

  /** Made when they are written: kept beside the records for a second, they would outlive the young heap. */
  addTo(rows: Rows): void {
    addRun(rows, this.partition, this.#batches);
  }

  #index(record: LogRecord, position: number): void {
    this.records += 1;
    this.bytes += recordBytes(record);
    const known = this.conversations.get(record.conversation);
    if (known === undefined) {
      this.bytes += CONVERSATION_BYTES;
      this.conversations.set(record.conversation, [{ record, position }]);
    } else known.push({ record, position });
    if (record.r !== "event") return;
    if (record.trace !== undefined && this.traces.length < 100) this.traces.push(record.trace);
    if (record.kind !== "created" && record.kind !== "joined" && record.kind !== "left") return;
    for (const user of record.users ?? []) this.#indexMember(user, record.conversation);
  }

  #indexMember(user: string, conversation: string): void {
    this.bytes += MEMBERSHIP_BYTES;
    let known = this.users.get(user);
    if (known === undefined) {
      this.bytes += USER_BYTES;
      known = new Set(); // Not of its first member: such a set takes half as much again.
      this.users.set(user, known);
    }
    known.add(conversation);
  }
}

/**
 * The runs of one partition between the watermark and what is consumed: at most one on its way into
 * ClickHouse, and the one that is growing. A reader takes `runs` before it asks ClickHouse, so that nothing
 * falls between the two.
 */
export class Tail {
  readonly partition: number;
  readonly recents: Recents;
  #growing: Run;
  #flushing: Run | undefined;
  #waiting: { position: number; resolve: () => void }[] = [];
  watermark: number;

  constructor(partition: number, watermark: number, recentBytesMax: number) {
    this.partition = partition;
    this.recents = new Recents(recentBytesMax);
    this.watermark = watermark;
    this.#growing = new Run(partition, watermark + 1);
  }

  get consumed(): number {
    return this.#growing.last;
  }

  get growing(): Run {
    return this.#growing;
  }

  get bytes(): number {
    return this.#growing.bytes + (this.#flushing?.bytes ?? 0);
  }

  /** Oldest first. */
  get runs(): readonly Run[] {
    return this.#flushing === undefined ? [this.#growing] : [this.#flushing, this.#growing];
  }

  add(positioned: Positioned): void {
    this.#growing.add(positioned);
    const { position, batch } = positioned;
    for (const record of batch.records) this.recents.take({ record, position });
    if (this.#waiting.length === 0) return;
    const ready = this.#waiting.filter(({ position }) => position <= this.consumed);
    this.#waiting = this.#waiting.filter(({ position }) => position > this.consumed);
    for (const { resolve } of ready) resolve();
  }

  /** Resolves to whether `position` was consumed within `ms`. */
  async until(position: number, ms: number): Promise<boolean> {
    if (position <= this.consumed) return true;
    const { promise, resolve } = Promise.withResolvers<void>();
    const waiter = { position, resolve };
    this.#waiting.push(waiter);
    const timer = setTimeout(resolve, ms);
    await promise;
    clearTimeout(timer);
    this.#waiting = this.#waiting.filter((other) => other !== waiter);
    return position <= this.consumed;
  }

  /**
   * The run to write next; the same one again until it is written. Undefined when there is nothing to write.
   */
  cut(): Run | undefined {
    if (this.#flushing !== undefined) return this.#flushing;
    if (this.#growing.last < this.#growing.first) return undefined;
    this.#flushing = this.#growing;
    this.#growing = new Run(this.partition, this.#flushing.last + 1);
    return this.#flushing;
  }

  written(run: Run): void {
    this.watermark = run.last;
    if (this.#flushing === run) this.#flushing = undefined;
  }
}
