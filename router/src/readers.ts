import type { Command } from "@jichat/conversation/command.ts";

/** Between two appends that store nothing and only prove to readers that the log is still ours. */
export const EMPTY_APPEND_EVERY_MS = 100;

/** Whether nothing of it can be stored: it waits for an append, and nobody's messages wait behind it. */
export const isReading = (commands: readonly Command[]): boolean =>
  commands.every(({ op }) => op === "look" || op === "where");

/**
 * Who waits for any append, and when one is made for them alone: at once after a pause, else one for all who
 * have come since the last. Pure: time is told to it.
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

  /** How long until an append is due that nobody else asks for; undefined where nobody waits for one. */
  dueInMs(now: number): number | undefined {
    if (this.#waiting.length === 0) return undefined;
    return Math.max(0, this.#emptyAt + EMPTY_APPEND_EVERY_MS - now);
  }

  /** All who wait, for an append that comes now. */
  takeAll(): Request[] {
    return this.#waiting.splice(0);
  }

  /** An append was made that stored nothing. */
  emptyAppend(now: number): void {
    this.#emptyAt = now;
  }
}
