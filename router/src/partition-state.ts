import type { ConversationFacts } from "@jichat/protocol/bus/query.ts";
import type { LogRecord } from "@jichat/protocol/log/record.ts";
import { apply } from "./apply.ts";
import type { Conversation } from "./conversation.ts";
import { loadedConversation, newConversation } from "./conversation.ts";

/** Ids and events held by all hot conversations of one partition, and so its memory: 75 bytes each. */
const HOT_IDS_MAX = 400_000;
/**
 * Conversations that were never written to. More than one answer of storage tells of, so that none is
 * forgotten before it is needed.
 */
export const ABSENT_MAX = 4_096;
/** Conversations trimmed for age per commit: forgetting is spread out. */
const TRIMS_PER_COMMIT = 8;

/** The hot conversations of one partition, least recently used first. */
export class PartitionState {
  readonly #hot = new Map<string, Conversation>();
  /** Apart from them: whoever asks for what does not exist pushes nobody out. The longest known go first. */
  readonly #absent = new Map<string, Conversation>();
  /** Of those, the ones that have more than they need: the liveliest, which are never among the first. */
  readonly #overfull = new Set<Conversation>();
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
   * A hot conversation, now the most recently used, or one that was never written to; undefined where storage
   * must be asked.
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

  /** What storage knows of `id`; no facts means that it was never written to. */
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

  /** Moves a conversation over a record that was just decided: with its first one it becomes hot. */
  apply(conversation: Conversation, record: LogRecord, position: number): void {
    if (this.#absent.delete(conversation.id)) this.add(conversation);
    const before = weigh(conversation);
    apply(conversation, record, position);
    this.#weight += weigh(conversation) - before;
    if (conversation.recent.isOverfull) this.#overfull.add(conversation);
  }

  /** Moves over a record of the log. A conversation that is not hot stays cold, unless this is its birth. */
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

  /** After a commit: forgets what is old or too much, but nothing that storage has not consumed. */
  shed(now: number, consumed: number): void {
    for (const conversation of this.#overfull) this.#trim(conversation, now, consumed);
    let trims = 0;
    for (const conversation of this.#hot.values()) {
      if ((trims += 1) > TRIMS_PER_COMMIT) break;
      this.#trim(conversation, now, consumed);
    }
    for (const [id, conversation] of this.#hot) {
      // The one that is in use stays, however large: what was just asked of storage must not be gone before
      // it is needed.
      if (this.#weight <= this.#idsMax || conversation.position > consumed || this.#hot.size === 1) break;
      this.#hot.delete(id);
      this.#overfull.delete(conversation);
      this.#weight -= weigh(conversation);
    }
  }

  #trim(conversation: Conversation, now: number, consumed: number): void {
    const before = weigh(conversation);
    conversation.recent.trim(now, consumed);
    this.#weight += weigh(conversation) - before;
    if (!conversation.recent.isOverfull) this.#overfull.delete(conversation);
  }
}

/**
 * Everything about a hot conversation is bounded by its recent ids and events and its members; ten stand for
 * the rest.
 */
const weigh = (conversation: Conversation): number =>
  10 + conversation.recent.size + conversation.members.size;
