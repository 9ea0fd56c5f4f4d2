import type { KV } from "@nats-io/kv";
import { Kvm } from "@nats-io/kv";
import { jetstream } from "@nats-io/jetstream";
import type { NatsConnection } from "@nats-io/transport-node";
import type { Names } from "@jichat/protocol/bus/names.ts";
import { systemClock } from "@jichat/protocol/clock.ts";
import { ChatError } from "@jichat/protocol/errors.ts";
import { watchBucket } from "@jichat/runtime/watch-bucket.ts";

/** A send waits for this answer: a KV that gives none is told of sooner than its client would ask for. */
const TIMEOUT_MS = 2_000;
const WATCH_WAIT_MS = 5_000;
const RETRY_MS = 1_000;
const COMPLETE = "complete";
const PROGRESS = "progress";

interface Log {
  warn(of: object, line: string): void;
}

/**
 * Who has an account, in a bucket of names alone: edges that may not see accounts read it. It is written
 * behind the accounts, so nobody is in it who has none; until it is marked complete, who is not in it may
 * have one.
 */
export class People {
  readonly #kv: KV;
  #isComplete = false;

  private constructor(kv: KV) {
    this.#kv = kv;
  }

  static async open(nats: NatsConnection, names: Names): Promise<People> {
    const js = jetstream(nats, { timeout: TIMEOUT_MS });
    return new People(await new Kvm(js).open(names.people));
  }

  /**
   * Knows, as of a blink ago, whether the bucket is complete. Resolves once it does. Where that takes long,
   * as with rights that are not there yet, it resolves without and goes on trying; until then nobody is
   * refused.
   */
  async watch(signal: AbortSignal, log: Log): Promise<void> {
    const known = Promise.withResolvers<void>();
    void this.#watchOn(signal, log, known.resolve);
    await Promise.race([known.promise, systemClock.sleep(WATCH_WAIT_MS)]);
  }

  async #watchOn(signal: AbortSignal, log: Log, known: () => void): Promise<void> {
    while (!signal.aborted) {
      try {
        const ended = Promise.withResolvers<void>();
        let isThere = false;
        await watchBucket(
          this.#kv,
          COMPLETE,
          ({ operation }) => {
            isThere = true;
            this.#isComplete = operation === "PUT";
          },
          signal,
          ended.resolve,
        );
        if (!isThere) this.#isComplete = false;
        known();
        await ended.promise;
        log.warn({}, "the watch of who exists ended: watching anew");
      } catch (cause) {
        log.warn({ err: cause }, "it cannot be watched whether all who exist are known: trying again");
      }
      await systemClock.sleep(RETRY_MS);
    }
  }

  get isComplete(): boolean {
    return this.#isComplete;
  }

  /** From the leader: who has just signed up is known at once. */
  async has(user: string): Promise<boolean> {
    try {
      const entry = await this.#kv.get(keyOf(user));
      return entry !== null && entry.operation === "PUT";
    } catch (cause) {
      throw new ChatError("UNAVAILABLE", "it cannot be asked just now who exists", {
        cause,
        retryAfterMs: 1_000,
      });
    }
  }

  async add(user: string): Promise<void> {
    await this.#kv.put(keyOf(user), "");
  }

  /** Up to which revision of the accounts everybody is in here. */
  async progress(): Promise<number> {
    const entry = await this.#kv.get(PROGRESS);
    return entry === null || entry.operation !== "PUT" ? 0 : Number(entry.string());
  }

  async setProgress(revision: number): Promise<void> {
    await this.#kv.put(PROGRESS, String(revision));
  }

  /** From here on, or no longer, who is not in here is nobody. */
  async setComplete(isComplete: boolean): Promise<void> {
    const entry = await this.#kv.get(COMPLETE);
    const wasComplete = entry !== null && entry.operation === "PUT";
    if (isComplete === wasComplete) return;
    if (isComplete) await this.#kv.put(COMPLETE, "");
    else await this.#kv.delete(COMPLETE);
  }
}

const keyOf = (user: string): string => `u.${user}`;
