import type { Command } from "@jichat/conversation/command.ts";

/** Time between two appends that store nothing and only prove to readers that the log is still ours. */
export const EMPTY_APPEND_EVERY_MS = 100;

/**
 * Whether the commands store nothing. Such a request waits for an append, and no message waits for the
 * request.
 */
export const isReading = (commands: readonly Command[]): boolean =>
  commands.every(({ op }) => op === "look" || op === "where");

/**
 * Requests that wait for any append. After a pause, an append is made for them at once. Otherwise all that
 * have come since the last one share an append. Pure: the caller passes the time.
 */
export class Readers<Request> {
  #waiting: Request[] = [];
  #emptyAt = Number.NEGATIVE_INFINITY;

  get count(): number {
    return this.#waiting.length;
  }

  add(request: Request): void {
    this.#waiting.push(request);
  }

  /** Milliseconds until an append is due for the readers alone; `undefined` if nobody waits. */
  dueInMs(now: number): number | undefined {
    if (this.#waiting.length === 0) return undefined;
    return Math.max(0, this.#emptyAt + EMPTY_APPEND_EVERY_MS - now);
  }

  /** Removes and returns all waiting requests, for an append that starts now. */
  takeAll(): Request[] {
    return this.#waiting.splice(0);
  }

  /** Reports an append that stored nothing. */
  emptyAppend(now: number): void {
    this.#emptyAt = now;
  }
}
