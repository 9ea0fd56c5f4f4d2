/** A message that is not known to be stored yet. */
export interface Pending {
  /** Chosen once: repeated sends, even after a reload, do not duplicate the message. */
  readonly id: string;
  readonly target: string;
  readonly text: string;
  readonly error?: string;
}

const KEY = "jichat-outgoing";

/**
 * Messages that are not stored yet, in order. They are kept in the tab's storage, so that a reload loses
 * nothing.
 */
export class Outgoing {
  readonly #user: string;
  readonly #newId: () => string;
  #all: readonly Pending[];

  constructor(user: string, newId: () => string) {
    this.#user = user;
    this.#newId = newId;
    const kept = sessionStorage.getItem(KEY);
    const { user: whose, all } = (kept === null ? {} : JSON.parse(kept)) as {
      user?: string;
      all?: readonly Pending[];
    };
    this.#all = whose === user && all !== undefined ? all : [];
  }

  get all(): readonly Pending[] {
    return this.#all;
  }

  to(target: string): readonly Pending[] {
    return this.#all.filter((pending) => pending.target === target);
  }

  add(target: string, text: string): Pending {
    const pending = { id: this.#newId(), target, text };
    this.#set([...this.#all, pending]);
    return pending;
  }

  remove(id: string): void {
    if (!this.#all.some((pending) => pending.id === id)) return;
    this.#set(this.#all.filter((pending) => pending.id !== id));
  }

  /**
   * Records why a message was refused. `undefined` means that it is being sent again, after the messages
   * written since.
   */
  mark(id: string, error: string | undefined): void {
    const found = this.#all.find((pending) => pending.id === id);
    if (found === undefined) return;
    const { error: _, ...bare } = found;
    if (error === undefined) this.#set([...this.#all.filter((pending) => pending.id !== id), bare]);
    else this.#set(this.#all.map((pending) => (pending.id === id ? { ...bare, error } : pending)));
  }

  /**
   * The first message to a user has created the conversation, so the messages that wait for the user move
   * there.
   */
  move(from: string, to: string): void {
    this.#set(this.#all.map((pending) => (pending.target === from ? { ...pending, target: to } : pending)));
  }

  clear(): void {
    this.#set([]);
  }

  #set(all: readonly Pending[]): void {
    this.#all = all;
    try {
      if (all.length === 0) sessionStorage.removeItem(KEY);
      else sessionStorage.setItem(KEY, JSON.stringify({ user: this.#user, all }));
    } catch (error) {
      // The browser's storage is full. The message is sent anyway, and closing the tab before that asks for
      // confirmation.
      console.warn("what is unsent would not survive a reload", error);
    }
  }
}
