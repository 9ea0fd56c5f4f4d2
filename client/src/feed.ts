import { ChatError } from "@jichat/protocol/errors.ts";

/**
 * Values for one `for await`, in order. A reader that stays more than `waitingMax` behind gets an error, not
 * a hole.
 */
export class Feed<T> implements AsyncIterableIterator<T> {
  readonly #waitingMax: number;
  readonly #onEnd: () => void;
  #waiting: T[] = [];
  #wake: (() => void) | undefined;
  #ended = false;
  #error: Error | undefined;

  constructor(waitingMax: number, onEnd: () => void) {
    this.#waitingMax = waitingMax;
    this.#onEnd = onEnd;
  }

  push(value: T): void {
    if (this.#ended) return;
    if (this.#waiting.length >= this.#waitingMax) {
      this.end(
        new ChatError(
          "BUSY",
          `more than ${this.#waitingMax} events waited to be read: read faster, or sync and read again`,
        ),
      );
      return;
    }
    this.#waiting.push(value);
    this.#wake?.();
  }

  end(error?: Error): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#error = error;
    this.#wake?.();
    this.#onEnd();
  }

  async next(): Promise<IteratorResult<T>> {
    for (;;) {
      const value = this.#waiting.shift();
      if (value !== undefined) return { value, done: false };
      if (this.#ended) {
        if (this.#error !== undefined) throw this.#error;
        return { value: undefined, done: true };
      }
      const { promise, resolve } = Promise.withResolvers<void>();
      this.#wake = resolve;
      await promise;
    }
  }

  async return(): Promise<IteratorResult<T>> {
    this.#waiting = [];
    this.end();
    return { value: undefined, done: true };
  }

  [Symbol.asyncIterator](): this {
    return this;
  }
}
