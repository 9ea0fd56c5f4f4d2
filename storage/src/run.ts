import { kindOf } from "@jichat/conversation/tables.ts";
import { BATCH_BYTES, CONVERSATION_BYTES, MEMBERSHIP_BYTES, USER_BYTES, recordBytes } from "./tail-bytes.ts";
import { addRun } from "./rows.ts";
import type { Rows } from "./rows.ts";
import type { Positioned } from "@jichat/log/partition-log.ts";
import type { LogRecord } from "@jichat/protocol/log/record.ts";

/** A record of a conversation, with its log position. */
export interface TailRecord {
  readonly record: LogRecord;
  readonly position: number;
}

/** A run of a partition's log that is consumed but not yet in ClickHouse, indexed for readers. */
export class Run {
  readonly partition: number;
  readonly first: number;
  last: number;
  readonly #batches: Positioned[] = [];
  readonly conversations = new Map<string, TailRecord[]>();
  /** By user: conversations in which this run changes their membership. */
  readonly users = new Map<string, Set<string>>();
  bytes = 0;
  records = 0;
  done = 0;
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
    this.bytes += BATCH_BYTES;
    for (const record of batch.records) this.#index(record, position);
  }

  /**
   * Makes the rows when they are written. If they were kept for a second beside the records, they would leave
   * the young generation of the heap.
   */
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
    if (kindOf(record.kind)?.isFolded !== true) return;
    for (const user of record.users ?? []) this.#indexMember(user, record.conversation);
  }

  #indexMember(user: string, conversation: string): void {
    this.bytes += MEMBERSHIP_BYTES;
    let known = this.users.get(user);
    if (known === undefined) {
      this.bytes += USER_BYTES;
      // Created empty: a set created from an array with one member takes half as much memory again.
      known = new Set();
      this.users.set(user, known);
    }
    known.add(conversation);
  }
}
