import { ChatError } from "@jichat/protocol/errors.ts";

interface Reader<T> {
  readonly resolve: (result: IteratorResult<T>) => void;
  readonly reject: (error: Error) => void;
}

/** The number of values already read that may stay in the list before it is cut. */
const READ_MAX = 1_024;

/**
 * Values for one `for await`, in order. A reader that falls more than `waitingMax` values behind gets an
 * error, never a gap. An error or an early exit of a reader ends only this feed.
 */
export class Feed<T> implements AsyncIterableIterator<T> {
  readonly #waitingMax: number;
  readonly #onEnd: () => void;
  #values: T[] = [];
  /** The index of the first value that was not read yet. */
  #at = 0;
  /** Readers that wait for values to come. While there are any, no value waits. */
  #readers: Reader<T>[] = [];
  #ended = false;
  #error: Error | undefined;

  constructor(waitingMax: number, onEnd: () => void) {
    this.#waitingMax = waitingMax;
    this.#onEnd = onEnd;
  }

  push(value: T): void {
    if (this.#ended) return;
    const reader = this.#readers.shift();
    if (reader !== undefined) reader.resolve({ value, done: false });
    else if (this.#values.length - this.#at < this.#waitingMax) this.#values.push(value);
    else
      this.end(
        new ChatError(
          "BUSY",
          `more than ${this.#waitingMax} events waited: read faster, or sync and read again`,
        ),
      );
  }

  /** Waiting values are still read; then comes the error, if there is one. */
  end(error?: Error): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#error = error;
    for (const { resolve, reject } of this.#readers.splice(0))
      if (error === undefined) resolve({ value: undefined, done: true });
      else reject(error);
    this.#onEnd();
  }

  async next(): Promise<IteratorResult<T>> {
    if (this.#at < this.#values.length) return { value: this.#shift(), done: false };
    if (this.#error !== undefined) throw this.#error;
    if (this.#ended) return { value: undefined, done: true };
    const { promise, resolve, reject } = Promise.withResolvers<IteratorResult<T>>();
    this.#readers.push({ resolve, reject });
    return promise;
  }

  /** Replaces `Array.shift`, which moves all waiting values. */
  #shift(): T {
    const value = this.#values[this.#at] as T;
    this.#at += 1;
    if (this.#at === this.#values.length || this.#at >= READ_MAX) {
      this.#values.splice(0, this.#at);
      this.#at = 0;
    }
    return value;
  }

  async return(): Promise<IteratorResult<T>> {
    this.#values = [];
    this.#at = 0;
    this.end();
    return { value: undefined, done: true };
  }

  [Symbol.asyncIterator](): this {
    return this;
  }
}
