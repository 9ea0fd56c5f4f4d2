import type { Clock } from "@jichat/protocol/clock.ts";
import { ChatError } from "@jichat/protocol/errors.ts";
import type { ServerFrame } from "@jichat/protocol/frame/server-frame.ts";
import { Alarm } from "./alarm.ts";
import { errorOf } from "./error-of.ts";

export const REPLY_MS = 10_000;

interface PendingReply {
  readonly resolve: (frame: ServerFrame) => void;
  readonly reject: (error: Error) => void;
  readonly deadline: Alarm;
}

/** The requests of one connection that wait for their answers, each for 10 s at most. */
export class Replies {
  readonly #clock: Clock;
  readonly #onLate: (id: string) => void;
  readonly #waiting = new Map<string, PendingReply>();

  /** `onLate` receives the ids of requests that nobody waits for any more. */
  constructor(clock: Clock, onLate: (id: string) => void) {
    this.#clock = clock;
    this.#onLate = onLate;
  }

  /**
   * Rejects with the error that the server answered, with UNAVAILABLE after 10 s, or with the reason that the
   * connection ended.
   */
  async to(id: string): Promise<ServerFrame> {
    const { promise, resolve, reject } = Promise.withResolvers<ServerFrame>();
    const deadline = new Alarm(this.#clock);
    this.#waiting.set(id, { resolve, reject, deadline });
    deadline.set(REPLY_MS, () => {
      this.#waiting.delete(id);
      this.#onLate(id);
      reject(new ChatError("UNAVAILABLE", `no answer within ${REPLY_MS / 1_000} s`));
    });
    return promise;
  }

  /** Returns false for a frame that answers none of the requests. */
  settle(id: string | undefined, frame: ServerFrame): boolean {
    const waiting = id === undefined ? undefined : this.#waiting.get(id);
    if (id === undefined || waiting === undefined) return false;
    this.#waiting.delete(id);
    waiting.deadline.clear();
    if (frame.t === "error") waiting.reject(errorOf(frame));
    else waiting.resolve(frame);
    return true;
  }

  fail(why: Error): void {
    for (const { reject, deadline } of this.#waiting.values()) {
      deadline.clear();
      reject(why);
    }
    this.#waiting.clear();
  }
}
