import { directConversation } from "@jichat/protocol/ids.ts";

const PAIRS_MAX = 20_000;

/** Caches the ids of 1-1 conversations. They are hashes, and people write to the same few others. */
export class DirectConversations {
  readonly #ids = new Map<string, string>();

  of(user: string, peer: string): string {
    const key = `${user} ${peer}`;
    const known = this.#ids.get(key);
    if (known !== undefined) return known;
    if (this.#ids.size >= PAIRS_MAX) this.#ids.clear();
    const id = directConversation(user, peer);
    this.#ids.set(key, id);
    return id;
  }
}
