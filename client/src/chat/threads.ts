import type { ConversationEvent } from "../events.ts";
import type { Target } from "../types.ts";
import { History } from "./history.ts";
import type { HistoryParts } from "./history.ts";
import { Remembered } from "./remembered.ts";
import { keyOf } from "./sends.ts";
import { Thread } from "./thread.ts";
import type { ThreadParts } from "./thread.ts";

/** Threads that nobody is subscribed to, and that are kept loaded: going back to one shows it at once. */
const IDLE_MAX = 20;

type Given = "historyOf" | "peek" | "onUse";

export interface ThreadsParts<B extends object> extends Omit<ThreadParts<B>, Given> {
  readonly history: Omit<HistoryParts<B>, "pull" | "onChange">;
  readonly pull: (conversation: string) => HistoryParts<B>["pull"];
}

/** The loaded windows, and who looks at them. */
export class Threads<B extends object> {
  readonly #parts: ThreadsParts<B>;
  readonly #used = new Set<Thread<B>>();
  readonly #threads = new Remembered<Thread<B>>(IDLE_MAX, ({ isUsed }) => isUsed);
  readonly #histories = new Remembered<{ readonly id: string; readonly history: History<B> }>(
    IDLE_MAX,
    ({ id }) => this.#isUsed(id),
  );

  constructor(parts: ThreadsParts<B>) {
    this.#parts = parts;
  }

  /** The same object for the same target, while it is remembered. */
  of(target: Target): Thread<B> {
    return this.#threads.of(keyOf(target), () => {
      const { history: _, pull: _pull, ...parts } = this.#parts;
      return new Thread(target, {
        ...parts,
        historyOf: (id) => this.#historyOf(id),
        peek: (id) => this.peek(id),
        onUse: (thread, isUsed) => {
          this.#use(thread, isUsed);
        },
      });
    });
  }

  peek(id: string): History<B> | undefined {
    return this.#histories.peek(id)?.history;
  }

  event(event: ConversationEvent<B>): void {
    this.peek(event.conversation)?.event(event);
  }

  /** The target of a thread has become a conversation. */
  bound(id: string): void {
    for (const thread of this.#used)
      if (thread.conversation === id) {
        this.#historyOf(id).open();
        thread.changed();
      }
  }

  /** What waits at this place has changed, or what is loaded of this conversation. */
  changed(key: string): void {
    for (const thread of this.#used) if (thread.key === key) thread.changed();
  }

  reset(): void {
    for (const { id, history } of this.#histories.values()) history.reset(this.#isUsed(id));
  }

  #use(thread: Thread<B>, isUsed: boolean): void {
    if (isUsed) this.#used.add(thread);
    else this.#used.delete(thread);
    const { conversation } = thread;
    if (isUsed && conversation !== undefined) this.#historyOf(conversation).open();
  }

  #isUsed(id: string): boolean {
    return [...this.#used].some(({ conversation }) => conversation === id);
  }

  #historyOf(id: string): History<B> {
    return this.#histories.of(id, () => ({
      id,
      history: new History({
        ...this.#parts.history,
        pull: this.#parts.pull(id),
        onChange: () => {
          this.#parts.sends.settle(id);
          this.changed(id);
        },
      }),
    })).history;
  }
}
