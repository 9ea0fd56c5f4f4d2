import type { ConversationFacts } from "@jichat/protocol/bus/query.ts";
import type { LogRecord } from "@jichat/protocol/log/record.ts";
import { apply } from "./apply.ts";
import type { Conversation } from "./conversation.ts";
import { loadedConversation, newConversation } from "./conversation.ts";
import { Frozen } from "./frozen.ts";

/**
 * Most ids and events that all hot conversations of one partition hold. They take 75 bytes each, and so bound
 * its memory.
 */
const HOT_IDS_MAX = 400_000;
/**
 * Most absent conversations (never written to) in memory. More than one answer of storage names, so that none
 * is forgotten before it is used.
 */
export const ABSENT_MAX = 4_096;
/** Conversations that are trimmed for age per commit, so that the work is spread out. */
const TRIMS_PER_COMMIT = 8;

/** The hot conversations of one partition, least recently used first. */
export class PartitionState {
  readonly #hot = new Map<string, Conversation>();
  /**
   * Absent conversations, the oldest first. They have a map of their own, so that questions for what does not
   * exist evict no hot conversation.
   */
  readonly #absent = new Map<string, Conversation>();
  /**
   * Hot conversations that hold more than they need. They are the busiest, and so never among the least
   * recently used.
   */
  readonly #overfull = new Set<Conversation>();
  /** The moment that a snapshot is made of. */
  #frozen: Pick<Frozen<unknown>, "keep" | "end"> | undefined;
  #weight = 0;
  readonly #idsMax: number;

  constructor(idsMax = HOT_IDS_MAX) {
    this.#idsMax = idsMax;
  }

  get size(): number {
    return this.#hot.size;
  }

  get conversations(): Iterable<Conversation> {
    return this.#hot.values();
  }

  /**
   * The hot conversations as they are now, least recently used first. They can be read later, once, while
   * records are applied. The next call ends the reading: it throws then.
   */
  freeze<Shot>(shotOf: (conversation: Conversation) => Shot): Iterable<Shot> {
    this.#frozen?.end();
    const frozen = new Frozen(this.#hot.values(), shotOf);
    this.#frozen = frozen;
    return frozen.shots();
  }

  /**
   * A hot conversation, which becomes the most recently used, or one that was never written to. `undefined`
   * if storage must be asked.
   */
  get(id: string): Conversation | undefined {
    const found = this.#hot.get(id);
    if (found === undefined) return this.#absent.get(id);
    this.#hot.delete(id);
    this.#hot.set(id, found);
    return found;
  }

  add(conversation: Conversation): void {
    this.#hot.set(conversation.id, conversation);
    this.#weight += weigh(conversation);
  }

  /** Adds what storage knows of `id`. No facts mean that it was never written to. */
  load(id: string, facts: ConversationFacts | undefined): Conversation {
    if (facts === undefined) return this.#keepAbsent(newConversation(id));
    const conversation = loadedConversation(facts);
    this.add(conversation);
    return conversation;
  }

  #keepAbsent(conversation: Conversation): Conversation {
    this.#absent.set(conversation.id, conversation);
    for (const id of this.#absent.keys()) {
      if (this.#absent.size <= ABSENT_MAX) break;
      this.#absent.delete(id);
    }
    return conversation;
  }

  /** Applies a record that was just decided. With its first record a conversation becomes hot. */
  apply(conversation: Conversation, record: LogRecord, position: number): void {
    if (this.#absent.delete(conversation.id)) this.add(conversation);
    this.#frozen?.keep(conversation);
    const before = weigh(conversation);
    apply(conversation, record, position);
    this.#weight += weigh(conversation) - before;
    if (conversation.recent.isOverfull) this.#overfull.add(conversation);
  }

  /** Applies a record of the log. A conversation that is not hot stays cold, unless the record creates it. */
  replay(record: LogRecord, position: number): Conversation | undefined {
    let conversation = this.#hot.get(record.conversation);
    if (conversation === undefined) {
      if (record.r !== "event" || record.kind !== "created") return undefined;
      conversation = newConversation(record.conversation);
      this.add(conversation);
    }
    this.apply(conversation, record, position);
    return conversation;
  }

  /**
   * Called after a commit. Forgets what is old or too much, but nothing after `consumed`, the position that
   * storage has reached.
   */
  shed(now: number, consumed: number): void {
    for (const conversation of this.#overfull) this.#trim(conversation, now, consumed);
    let trims = 0;
    for (const conversation of this.#hot.values()) {
      if ((trims += 1) > TRIMS_PER_COMMIT) break;
      this.#trim(conversation, now, consumed);
    }
    for (const [id, conversation] of this.#hot) {
      // A single conversation stays, however large: what storage was just asked for must not be evicted
      // before it is used.
      if (this.#weight <= this.#idsMax || conversation.position > consumed || this.#hot.size === 1) break;
      this.#hot.delete(id);
      this.#overfull.delete(conversation);
      this.#weight -= weigh(conversation);
    }
  }

  #trim(conversation: Conversation, now: number, consumed: number): void {
    this.#frozen?.keep(conversation);
    const before = weigh(conversation);
    conversation.recent.trim(now, consumed);
    this.#weight += weigh(conversation) - before;
    if (!conversation.recent.isOverfull) this.#overfull.delete(conversation);
  }
}

/** Approximate size of a hot conversation: its recent ids and events, its members, and ten for the rest. */
const weigh = (conversation: Conversation): number =>
  10 + conversation.recent.size + conversation.members.size;
