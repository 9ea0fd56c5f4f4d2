import type { ChatError } from "@jichat/protocol/errors.ts";
import { Feed } from "./feed.ts";
import type { Notice } from "./types.ts";

/** All readers of what happens. Each reads at its own pace. */
export class Feeds {
  readonly #waitingMax: number;
  readonly #open = new Set<Feed<Notice>>();
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

  emit(notice: Notice): void {
    for (const feed of this.#open) feed.push(notice);
  }

  /** Emits the last notice of all. A feed that is opened later gets it too. */
  end(error: ChatError | undefined): void {
    this.#last = { t: "state", state: "closed", error };
    this.emit(this.#last);
    for (const feed of this.#open) feed.end();
  }
}
