import type { Conversation } from "./conversation.ts";

/**
 * Conversations as they are at one moment, read while they go on changing. A conversation is looked at when
 * its turn comes, or just before it changes (`keep`), whichever is first. So neither the moment nor a change
 * costs more than the conversations that it is about.
 */
export class Frozen<Shot> {
  /** Those that are still to be read, in the order of that moment; with a shot if they have changed since. */
  readonly #left: Map<Conversation, Shot | undefined>;
  readonly #shotOf: (conversation: Conversation) => Shot;
  #isOver = false;

  constructor(conversations: Iterable<Conversation>, shotOf: (conversation: Conversation) => Shot) {
    this.#left = new Map();
    for (const conversation of conversations) this.#left.set(conversation, undefined);
    this.#shotOf = shotOf;
  }

  /** To be called before `conversation` changes. */
  keep(conversation: Conversation): void {
    if (this.#left.has(conversation) && this.#left.get(conversation) === undefined)
      this.#left.set(conversation, this.#shotOf(conversation));
  }

  /** Ends it: what is left is not read any more, and no change needs to be told. */
  end(): void {
    this.#isOver = true;
    this.#left.clear();
  }

  /** Reads what is left, once. Throws if it was ended before everything was read. */
  *shots(): Generator<Shot> {
    try {
      for (const [conversation, shot] of this.#left) {
        this.#left.delete(conversation);
        yield shot ?? this.#shotOf(conversation);
      }
      if (this.#isOver) throw new Error("this moment has been given up for a later one");
    } finally {
      this.#left.clear();
    }
  }
}
