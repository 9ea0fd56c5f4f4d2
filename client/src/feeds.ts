import type { ChatError } from "@jichat/protocol/errors.ts";
import { Feed } from "./feed.ts";
import type { Notice, NoticeOf } from "./types.ts";

type Listener = (notice: Notice) => void;

/** All readers of what happens. Each reads at its own pace. */
export class Feeds {
  readonly #waitingMax: number;
  readonly #open = new Set<Feed<Notice>>();
  readonly #listeners = new Map<Notice["t"], Set<{ readonly tell: Listener }>>();
  #last: Notice | undefined;

  constructor(waitingMax: number) {
    this.#waitingMax = waitingMax;
  }

  /** Opens a feed that starts now. After `end`, the feed only says how it ended. */
  open(): Feed<Notice> {
    const feed: Feed<Notice> = new Feed(this.#waitingMax, () => {
      this.#open.delete(feed);
    });
    this.#open.add(feed);
    if (this.#last !== undefined) {
      feed.push(this.#last);
      feed.end();
    }
    return feed;
  }

  /**
   * Calls `listener` at each notice of this type, at once. Returns a function that stops it. What a listener
   * throws is an uncaught error of the application, and nobody else's business.
   */
  on<T extends Notice["t"]>(t: T, listener: (notice: NoticeOf<T>) => void): () => void {
    const entry = { tell: listener as Listener };
    const listeners = this.#listeners.get(t) ?? new Set();
    this.#listeners.set(t, listeners.add(entry));
    return () => listeners.delete(entry);
  }

  emit(notice: Notice): void {
    for (const feed of this.#open) feed.push(notice);
    for (const { tell } of this.#listeners.get(notice.t) ?? [])
      try {
        tell(notice);
      } catch (thrown) {
        queueMicrotask(() => {
          throw thrown;
        });
      }
  }

  /** Emits the last notice of all. A feed that is opened later gets it too. */
  end(error: ChatError | undefined): void {
    this.#last = { t: "state", state: "closed", error };
    this.emit(this.#last);
    for (const feed of this.#open) feed.end();
    this.#listeners.clear();
  }
}
