import type { Clock } from "@jichat/protocol/clock.ts";
import { ChatError } from "@jichat/protocol/errors.ts";
import { Alarm } from "./alarm.ts";

interface PendingArrival {
  readonly resolve: () => void;
  readonly reject: (error: Error) => void;
  readonly deadline: Alarm;
}

/** Callers that wait for this device to be online, each with its own timeout. */
export class Arrivals {
  readonly #clock: Clock;
  readonly #waiting = new Set<PendingArrival>();
  #inTheWay: ChatError | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  async next(timeoutMs: number): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const waiting = { resolve, reject, deadline: new Alarm(this.#clock) };
    this.#waiting.add(waiting);
    waiting.deadline.set(timeoutMs, () => {
      this.#waiting.delete(waiting);
      const cause = this.#inTheWay;
      const why = cause === undefined ? "nobody has answered yet" : cause.message;
      const message = `not online within ${timeoutMs / 1_000} s: ${why}`;
      reject(new ChatError("UNAVAILABLE", message, cause && { cause }));
    });
    return promise;
  }

  /** Records the latest obstacle. A caller whose timeout expires is told of it. */
  inTheWay(error: ChatError): void {
    this.#inTheWay = error;
  }

  come(): void {
    this.#inTheWay = undefined;
    for (const { resolve, deadline } of this.#waiting) {
      deadline.clear();
      resolve();
    }
    this.#waiting.clear();
  }

  fail(error: ChatError): void {
    for (const { reject, deadline } of this.#waiting) {
      deadline.clear();
      reject(error);
    }
    this.#waiting.clear();
  }
}
