import type { Clock } from "@jichat/protocol/clock.ts";

interface Due {
  readonly at: number;
  readonly act: () => void;
}

const ABORTED = new Error("aborted");

/** Time goes from one thing that is due to the next. What the client waits for is told apart from the rest. */
export class VirtualClock implements Clock {
  at = 0;
  /** The device's time of day, beyond `at`: it may jump. */
  aheadMs = 1_800_000_000_000;
  readonly #due: Due[] = [];
  readonly #sleeping = new Set<Due>();

  now(): number {
    return this.at + this.aheadMs;
  }

  monotonic(): number {
    return this.at;
  }

  /** How many the client waits for: none, once it is closed. */
  get sleepers(): number {
    return this.#sleeping.size;
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      if (signal?.aborted === true) {
        reject(ABORTED);
        return;
      }
      const due = this.after(ms, () => {
        this.#sleeping.delete(due);
        signal?.removeEventListener("abort", stop);
        resolve();
      });
      const stop = (): void => {
        this.#sleeping.delete(due);
        this.cancel(due);
        reject(ABORTED);
      };
      this.#sleeping.add(due);
      signal?.addEventListener("abort", stop, { once: true });
    });
  }

  /** Something of the world around the client. Of the same instant, what was asked first comes first. */
  after(ms: number, act: () => void): Due {
    const due = { at: this.at + Math.max(0, ms), act };
    let index = this.#due.length;
    while (index > 0 && (this.#due[index - 1] as Due).at > due.at) index -= 1;
    this.#due.splice(index, 0, due);
    return due;
  }

  cancel(due: Due): void {
    const index = this.#due.indexOf(due);
    if (index >= 0) this.#due.splice(index, 1);
  }

  /** Lets everything happen that needs no time. */
  async settle(): Promise<void> {
    await new Promise((resolve) => {
      setImmediate(resolve);
    });
  }

  /** Lets `ms` pass, or less where `isOver` then. */
  async pass(ms: number, isOver: () => boolean = () => false): Promise<void> {
    const end = this.at + ms;
    await this.settle();
    while (!isOver()) {
      const [first] = this.#due;
      if (first === undefined || first.at > end) break;
      this.#due.shift();
      this.at = first.at;
      first.act();
      await this.settle();
    }
    if (!isOver()) this.at = end;
  }
}
