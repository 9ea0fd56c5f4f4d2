import type { TailRecord } from "./run.ts";
import type { InnerEvent } from "@jichat/protocol/frame/server-frame.ts";
import { PAGE_EVENTS_MAX } from "@jichat/protocol/limits.ts";
import type { Changes } from "@jichat/conversation/changes.ts";
import { eventOf } from "@jichat/conversation/event.ts";
import { changeOf } from "@jichat/conversation/changes.ts";
import type { Span } from "./events.ts";
import type { Folded } from "./fold.ts";

/** The events are cut to one page when they reach this number, not at every event. */
const EVENTS_MAX = 2 * PAGE_EVENTS_MAX;
/** With more changes than this, a conversation is not kept, and is read from ClickHouse each time. */
const CHANGES_MAX = 1_000;
const EVENT_BYTES = 400;
const MEMBER_BYTES = 150;

/** The end of one conversation: its members and its newest events, up to date. */
class ConversationEnd {
  readonly folded: Folded;
  readonly changes: Changes;
  #events: InnerEvent[];
  bytes: number;

  constructor(folded: Folded, { events, changes }: Span) {
    this.folded = folded;
    this.changes = changes;
    this.#events = [...events];
    this.bytes = events.reduce((sum, event) => sum + bytesOf(event), MEMBER_BYTES * folded.members.size);
  }

  get first(): number {
    return this.#events[0]?.seq ?? Number.MAX_SAFE_INTEGER;
  }

  get isWhole(): boolean {
    return (
      this.#events.every(({ seq }, at) => seq === this.first + at) &&
      this.#events.at(-1)?.seq === this.folded.head
    );
  }

  /**
   * Applies a record; one that was seen before changes nothing. False if a record is missing or there are too
   * many changes: then this end must be dropped.
   */
  follow({ record, position }: TailRecord): boolean {
    const { head } = this.folded;
    if (record.r === "event") {
      if (record.seq > head + 1) return false;
      if (record.seq === head + 1) this.#append(eventOf(record));
    }
    this.folded.records([{ record, position }]);
    return this.changes.size <= CHANGES_MAX;
  }

  #append(event: InnerEvent): void {
    this.#events.push(event);
    this.bytes += bytesOf(event);
    if (event.kind === "joined") this.bytes += MEMBER_BYTES * (event.users?.length ?? 0);
    const change = changeOf(event);
    if (change !== undefined) this.changes.add(change);
    if (this.#events.length < EVENTS_MAX) return;
    for (const old of this.#events.splice(0, this.#events.length - PAGE_EVENTS_MAX))
      this.bytes -= bytesOf(old);
  }

  page(from: number, to: number): InnerEvent[] {
    return this.#events
      .slice(from - this.first, to - this.first + 1)
      .map((event) => this.changes.shown(event));
  }
}

const bytesOf = ({ body, users = [], mentions = [] }: InnerEvent): number =>
  EVENT_BYTES + 2 * (body?.length ?? 0) + 70 * (users.length + mentions.length);

/**
 * The recently requested ends of one partition's conversations, kept up to date from the log. A user who
 * opens an active conversation causes no query to ClickHouse. Bounded in bytes; the least recently requested
 * go first.
 */
export class ConversationEnds {
  readonly #bytesMax: number;
  readonly #known = new Map<string, ConversationEnd>();
  #bytes = 0;

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** Applies a consumed record to its conversation's end, if that is kept. */
  follow(entry: TailRecord): void {
    const known = this.#known.get(entry.record.conversation);
    if (known === undefined) return;
    const before = known.bytes;
    const isRight = known.follow(entry);
    this.#bytes += known.bytes - before;
    if (!isRight) this.#drop(entry.record.conversation, known);
    this.#evict();
  }

  find(conversation: string): ConversationEnd | undefined {
    const known = this.#known.get(conversation);
    if (known === undefined) return undefined;
    this.#known.delete(conversation);
    this.#known.set(conversation, known);
    return known;
  }

  /**
   * Keeps an end that was just read. `since` has the records consumed while it was read, and maybe earlier
   * ones.
   */
  keep(folded: Folded, span: Span, since: Iterable<TailRecord>): void {
    const recent = new ConversationEnd(folded, span);
    for (const entry of since) if (!recent.follow(entry)) return;
    if (!recent.isWhole || recent.bytes > this.#bytesMax) return;
    const before = this.#known.get(folded.id);
    if (before !== undefined) this.#drop(folded.id, before);
    this.#known.set(folded.id, recent);
    this.#bytes += recent.bytes;
    this.#evict();
  }

  #drop(conversation: string, recent: ConversationEnd): void {
    this.#known.delete(conversation);
    this.#bytes -= recent.bytes;
  }

  #evict(): void {
    for (const [conversation, recent] of this.#known) {
      if (this.#bytes <= this.#bytesMax) return;
      this.#drop(conversation, recent);
    }
  }
}
