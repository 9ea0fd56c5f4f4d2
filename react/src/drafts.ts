/** Texts that are kept. Of more, the one that was not written to for the longest time is dropped. */
const DRAFTS_MAX = 1_000;

/** What a user has written and not sent, by a key per thread. It lives as long as the chat. */
export class Drafts {
  /** The least recently written come first. */
  readonly #texts = new Map<string, string>();
  readonly #listeners = new Set<() => void>();

  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => {
      this.#listeners.delete(listener);
    };
  };

  get(key: string): string {
    return this.#texts.get(key) ?? "";
  }

  set(key: string, text: string): void {
    this.#texts.delete(key);
    if (text !== "") this.#texts.set(key, text);
    const [oldest] = this.#texts.keys();
    if (oldest !== undefined && this.#texts.size > DRAFTS_MAX) this.#texts.delete(oldest);
    for (const listener of this.#listeners) listener();
  }
}

const draftsByChat = new WeakMap<object, Drafts>();

/** The drafts of a chat. Another user's chat has others. */
export function draftsOf(chat: object): Drafts {
  const drafts = draftsByChat.get(chat) ?? new Drafts();
  draftsByChat.set(chat, drafts);
  return drafts;
}
