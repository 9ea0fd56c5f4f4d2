const KEY = "jichat-drafts";
/** Kept drafts, and characters of one: more would not fit into the browser's storage with certainty. */
const [DRAFTS_MAX, LENGTH_MAX] = [50, 20_000];

type Kept = Pick<Storage, "getItem" | "setItem" | "removeItem">;

/**
 * Text that was begun and not sent, by conversation. It is kept in the tab's storage, as unsent messages are,
 * so it survives a reload.
 */
export class Drafts {
  readonly #user: string;
  readonly #storage: Kept;
  readonly #all: Map<string, string>;

  constructor(user: string, storage: Kept = sessionStorage) {
    this.#user = user;
    this.#storage = storage;
    const kept = storage.getItem(KEY);
    const { user: whose, all } = (kept === null ? {} : JSON.parse(kept)) as {
      user?: string;
      all?: readonly (readonly [string, string])[];
    };
    this.#all = new Map(whose === user ? all : []);
  }

  of(target: string): string {
    return this.#all.get(target) ?? "";
  }

  set(target: string, text: string): void {
    this.#all.delete(target);
    if (text !== "") this.#all.set(target, text);
    this.#keep();
  }

  /** A first message has made the conversation with a user: what is begun since goes there. */
  move(from: string, to: string): void {
    const text = this.of(from);
    if (text === "" || this.of(to) !== "") return;
    this.#all.delete(from);
    this.set(to, text);
  }

  clear(): void {
    this.#all.clear();
    this.#keep();
  }

  #keep(): void {
    const all = [...this.#all].filter(([, text]) => text.length <= LENGTH_MAX).slice(-DRAFTS_MAX);
    try {
      if (all.length === 0) this.#storage.removeItem(KEY);
      else this.#storage.setItem(KEY, JSON.stringify({ user: this.#user, all }));
    } catch (error) {
      console.warn("what is begun would not survive a reload", error); // The browser's storage is full.
    }
  }
}
