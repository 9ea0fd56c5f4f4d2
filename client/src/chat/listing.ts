import type { KeptSettings, ListedConversation } from "@jichat/protocol/frame/server-frame.ts";
import type { ConversationEvent, HistoryPage } from "../events.ts";
import type { Conversation, PullOptions } from "../types.ts";
import { ConversationBook } from "./conversation-book.ts";
import type { Keeper } from "./keeper.ts";
import { Topic } from "./live.ts";
import type { Pace } from "./live.ts";
import { Lookups } from "./lookups.ts";
import { Marks } from "./marks.ts";
import { MuteEnds } from "./mute-ends.ts";
import type { MuteEndsParts } from "./mute-ends.ts";
import type { Patience } from "./patience.ts";
import { Remembered } from "./remembered.ts";
import type { LookedUp, Row } from "./row.ts";
import { eventRow, isKnown, leftRow, listedRow, lookedUpRow, readRow, settingsRow } from "./row.ts";
import type { ConversationList, ConversationView, Live } from "./types.ts";

const KEPT = "row/";
/** What rows did not have that an earlier version kept. */
const KEPT_BEFORE = { settingsAt: 0 } as const;
/** Conversations whose `Live` and topic are remembered while nobody is subscribed to them. */
const IDLE_MAX = 2_000;

export interface ListingParts<B> extends Pick<MuteEndsParts, "clock" | "now"> {
  readonly me: string;
  readonly pace: Pace;
  readonly patience: Patience;
  readonly keeper: Keeper;
  readonly pull: (conversation: string, options: PullOptions) => Promise<HistoryPage<B>>;
  readonly read: (conversation: string, seq: number) => Promise<unknown>;
  /** `no` of an event, if it is loaded. */
  readonly noOf: (conversation: string, seq: number) => number | undefined;
  /** The 1-1 conversation with the user is known from now on. */
  readonly onPeer: (user: string, conversation: string) => void;
  /** Something changed that is to be kept. */
  readonly onChange: () => void;
}

/** The list of conversations: what the server lists, moved on by every event and mark since. */
export class Listing<B> {
  readonly #parts: ListingParts<B>;
  readonly #book = new ConversationBook<B>();
  readonly #topic: Topic;
  readonly #views = new Remembered<Live<ConversationView<B> | undefined>>(IDLE_MAX, () => false);
  readonly #topics = new Remembered<Topic>(IDLE_MAX, ({ isUsed }) => isUsed);
  readonly #lookups: Lookups<B>;
  readonly #marks: Marks;
  readonly #muteEnds: MuteEnds;
  /** Rows that have changed since they were last kept. */
  readonly #changed = new Set<string>();
  readonly #counting = new Set<string>();
  readonly list: Live<ConversationList<B>>;

  constructor(parts: ListingParts<B>) {
    this.#parts = parts;
    this.#topic = new Topic(parts.pace);
    this.list = { get: () => this.#book.view, subscribe: this.#topic.subscribe };
    this.#lookups = new Lookups({
      patience: parts.patience,
      pull: parts.pull,
      isWanted: (id) => {
        const row = this.#book.get(id);
        return row?.isMember === true && !isKnown(row);
      },
      found: (id, found) => this.#found(id, found),
    });
    this.#muteEnds = new MuteEnds({
      clock: parts.clock,
      now: parts.now,
      onEnd: (id) => {
        const row = this.#book.get(id);
        if (row !== undefined) this.#put({ ...row, muted: undefined });
      },
    });
    this.#marks = new Marks({
      patience: parts.patience,
      read: parts.read,
      keep: (key, value) => {
        parts.keeper.set(key, value);
      },
    });
  }

  /** Takes what an earlier run has kept. Rows count only together with what was seen. */
  resume(kept: ReadonlyMap<string, unknown>, hasSeen: boolean): void {
    for (const [key, value] of kept) {
      if (!key.startsWith(KEPT)) continue;
      if (hasSeen && isRow<B>(value)) this.#put({ ...KEPT_BEFORE, ...value });
      else this.#parts.keeper.delete(key);
    }
    this.#changed.clear();
    this.#marks.resume(kept);
    // After a crash, a mark may have been kept and its row not.
    for (const [id, seq] of this.#marks.all) this.readUpTo(id, seq);
  }

  watch(id: string): Live<ConversationView<B> | undefined> {
    return this.#views.of(id, () => ({
      get: () => this.#book.get(id),
      // Looked up here, since a topic may be dropped before anybody subscribes.
      subscribe: (listener) => this.#topics.of(id, () => new Topic(this.#parts.pace)).subscribe(listener),
    }));
  }

  get(id: string): Row<B> | undefined {
    return this.#book.get(id);
  }

  withPeer(user: string): string | undefined {
    return this.#book.withPeer(user);
  }

  /** The 1-1 conversation with the user has this id. Its row is to come. */
  bind(user: string, id: string): void {
    this.#book.bind(user, id);
  }

  listed(conversations: readonly Conversation[], isComplete: boolean): void {
    for (const listed of conversations) this.#listed(listed);
    if (!isComplete) return;
    this.#book.isComplete = true;
    this.#topic.changed();
  }

  #listed(listed: Conversation): void {
    const { conversation: id } = listed;
    const known = this.#book.get(id);
    if ("left" in listed) {
      if (known !== undefined) this.#put(leftRow(known, listed.left));
      return;
    }
    this.#put(listedRow(listed as ListedConversation<B>, known));
    const mark = this.#marks.of(id);
    if (mark !== undefined) this.readUpTo(id, mark);
  }

  event(event: ConversationEvent<B>): void {
    const row = eventRow(this.#book.get(event.conversation), event, this.#parts.me);
    if (row !== undefined) this.#put(row);
  }

  /** Marks everything up to `seq` as read, here and for all devices of the user. */
  markRead(id: string, seq: number): void {
    const row = this.#book.get(id);
    const at = Math.min(seq, row?.head ?? 0);
    if (row === undefined || !row.isMember || at <= row.read) return;
    this.#marks.set(id, at);
    this.readUpTo(id, at);
  }

  /** The user has read up to `seq`, perhaps on another device. */
  readUpTo(id: string, seq: number): void {
    const row = this.#book.get(id);
    if (row === undefined) return;
    this.#put(readRow(row, seq, this.#parts.noOf(id, seq)));
  }

  /** The user has changed settings, perhaps on another device. */
  settings(id: string, settings: KeptSettings): void {
    const row = this.#book.get(id);
    if (row !== undefined) this.#put(settingsRow(row, settings));
  }

  /** Leaves no timer. */
  stop(): void {
    this.#muteEnds.stop();
  }

  /** The cluster has begun anew. */
  reset(): void {
    for (const { id } of this.#book.rows) this.#forget(id);
    this.#book.clear();
    this.#lookups.clear();
    this.#marks.clear();
    this.#muteEnds.clear();
    this.#topic.changed();
    for (const topic of this.#topics.values()) topic.changed();
    this.#parts.onChange();
  }

  /** Keeps what has changed since the last call. */
  save(): void {
    for (const id of this.#changed) {
      const row = this.#book.get(id);
      if (row?.isMember === true) this.#parts.keeper.set(KEPT + id, row);
      else this.#parts.keeper.delete(KEPT + id);
    }
    this.#changed.clear();
  }

  #forget(id: string): void {
    this.#changed.delete(id);
    this.#parts.keeper.delete(KEPT + id);
  }

  #put(row: Row<B>): void {
    const known = this.#book.get(row.id);
    if (known === row) return;
    this.#book.put(row);
    this.#muteEnds.follow(row);
    this.#changed.add(row.id);
    this.#topic.changed();
    this.#topics.peek(row.id)?.changed();
    this.#parts.onChange();
    if (known === undefined && row.peer !== undefined) this.#parts.onPeer(row.peer, row.id);
    if (row.isMember && !isKnown(row)) this.#lookups.want(row.id);
    if (row.isMember && !row.isCounted) void this.#count(row.id);
  }

  #found(id: string, found: LookedUp<B>): boolean {
    const row = this.#book.get(id);
    if (row === undefined) return true;
    if (row.head > found.head) return false;
    this.#put(lookedUpRow(row, found));
    return true;
  }

  /** Counts what is unread after a mark whose event is not loaded. */
  async #count(id: string): Promise<void> {
    if (this.#counting.has(id)) return;
    this.#counting.add(id);
    for (;;) {
      const { read = 0, head = 0, no, isCounted = true } = this.#book.get(id) ?? {};
      if (isCounted || this.#parts.patience.isOver) break;
      const readNo = await this.#lookups.noOf(id, read);
      const headNo = no ?? (await this.#lookups.noOf(id, head));
      const row = this.#book.get(id);
      if (row === undefined) break;
      const known = row.no ?? (row.head === head ? headNo : undefined);
      // Out of reach: the user has left, say.
      if (readNo === undefined || headNo === undefined) this.#put({ ...row, isCounted: true });
      else if (row.read === read) this.#put(readRow({ ...row, no: known }, read, readNo));
    }
    this.#counting.delete(id);
  }
}

/** Whether a kept value is one of ours. A store may hold what a later version has written. */
function isRow<B>(value: unknown): value is Row<B> {
  const { id, kind, name, head, read, unread, pins, muted, settingsAt, activeAt, isCounted } = (value ??
    {}) as Partial<Record<keyof Row<B>, unknown>>;
  return (
    typeof id === "string" &&
    typeof name === "string" &&
    (kind === "direct" || kind === "group") &&
    Array.isArray(pins) &&
    (muted === undefined || (typeof muted === "object" && muted !== null)) &&
    typeof isCounted === "boolean" &&
    [head, read, unread, activeAt, settingsAt ?? 0].every((count) => typeof count === "number")
  );
}
