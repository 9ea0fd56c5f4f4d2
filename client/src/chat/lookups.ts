import type { HistoryPage } from "../events.ts";
import type { PullOptions } from "../types.ts";
import { isLine } from "./fold.ts";
import type { Patience } from "./patience.ts";
import type { LookedUp } from "./row.ts";

/** Questions that are out at once. The list is of use without their answers. */
const AT_ONCE = 2;
/** Edits, recalls and pins after the latest line: beyond so many, the list shows no line. */
const TAIL = 100;
/** A question whose answer was out of date when it came is asked again after this, in milliseconds. */
const AGAIN = { retryAfterMs: 200 };

export interface LookupParts<B> {
  readonly patience: Patience;
  readonly pull: (conversation: string, options: PullOptions) => Promise<HistoryPage<B>>;
  /** Whether the answer is still wanted: events may have brought it. */
  readonly isWanted: (conversation: string) => boolean;
  /** Takes the answer. Returns false if more is known than the page says: then it is asked again. */
  readonly found: (conversation: string, found: LookedUp<B>) => boolean;
}

/** Looks up what a list does not say, in the background: the latest line behind an edit or a recall. */
export class Lookups<B> {
  readonly #parts: LookupParts<B>;
  readonly #waiting = new Set<string>();
  #running = 0;

  constructor(parts: LookupParts<B>) {
    this.#parts = parts;
  }

  want(conversation: string): void {
    this.#waiting.add(conversation);
    if (this.#running < AT_ONCE) void this.#work();
  }

  clear(): void {
    this.#waiting.clear();
  }

  /** `no` of the event `seq`; undefined if it is out of reach. Resolves once the device is online. */
  async noOf(conversation: string, seq: number): Promise<number | undefined> {
    const page = await this.#ask(conversation, { after: seq - 1, limit: 1 });
    const [event] = page?.events ?? [];
    return event?.seq === seq ? event.no : undefined;
  }

  async #work(): Promise<void> {
    const { patience, isWanted, found } = this.#parts;
    this.#running += 1;
    for (const conversation of this.#waiting) {
      this.#waiting.delete(conversation);
      if (patience.isOver) break;
      if (!isWanted(conversation)) continue;
      const page = await this.#ask(conversation, { limit: TAIL });
      if (page === undefined || !isWanted(conversation)) continue;
      const { events, head } = page;
      if (found(conversation, { head, newest: events.at(-1), last: events.findLast(isLine) })) continue;
      await patience.wait(AGAIN, 0);
      this.#waiting.add(conversation);
    }
    this.#running -= 1;
  }

  /** Undefined for what cannot be asked: the user has left meanwhile, say. */
  async #ask(conversation: string, options: PullOptions): Promise<HistoryPage<B> | undefined> {
    const { patience, pull } = this.#parts;
    return patience.answer(async () => pull(conversation, options));
  }
}
