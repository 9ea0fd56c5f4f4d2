import type { NatsConnection } from "@nats-io/transport-node";
import { progressText, readProgress } from "@jichat/protocol/bus/kv-values.ts";
import type { Names } from "@jichat/protocol/bus/names.ts";
import { systemClock } from "@jichat/protocol/clock.ts";
import { ChatError } from "@jichat/protocol/errors.ts";
import { Bucket } from "@jichat/runtime/bucket.ts";
import { hearingOf } from "@jichat/runtime/hearing.ts";

/** A send waits for this answer: a KV that gives none is told of sooner than its client would ask for. */
const TIMEOUT_MS = 2_000;
const WATCH_WAIT_MS = 5_000;
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
  readonly #bucket: Bucket;
  #isComplete = false;

  private constructor(bucket: Bucket) {
    this.#bucket = bucket;
  }

  static async open(nats: NatsConnection, names: Names): Promise<People> {
    return new People(await Bucket.open(nats, names.people, TIMEOUT_MS));
  }

  /**
   * Knows, as of a blink ago, whether the bucket is complete. Resolves once it does. Where that takes long,
   * as with rights that are not there yet, it resolves without and goes on trying; until then nobody is
   * refused.
   */
  async watch(signal: AbortSignal, log: Log): Promise<void> {
    const hearing = hearingOf(log, "whether all who exist are known");
    const known = this.#bucket.watch(
      COMPLETE,
      ({ operation }) => {
        this.#isComplete = operation === "PUT";
      },
      hearing,
      signal,
    );
    await Promise.race([known, systemClock.sleep(WATCH_WAIT_MS)]);
  }

  get isComplete(): boolean {
    return this.#isComplete;
  }

  /** From the leader: who has just signed up is known at once. */
  async has(user: string): Promise<boolean> {
    try {
      const entry = await this.#bucket.kv.get(keyOf(user));
      return entry !== null && entry.operation === "PUT";
    } catch (cause) {
      throw new ChatError("UNAVAILABLE", "it cannot be asked just now who exists", {
        cause,
        retryAfterMs: 1_000,
      });
    }
  }

  async add(user: string): Promise<void> {
    await this.#bucket.kv.put(keyOf(user), "");
  }

  /** Up to which revision of the accounts everybody is in here. */
  async progress(): Promise<number> {
    const entry = await this.#bucket.kv.get(PROGRESS);
    return entry === null || entry.operation !== "PUT" ? 0 : readProgress(entry.string());
  }

  async setProgress(revision: number): Promise<void> {
    await this.#bucket.kv.put(PROGRESS, progressText(revision));
  }

  /** From here on, or no longer, who is not in here is nobody. */
  async setComplete(isComplete: boolean): Promise<void> {
    const entry = await this.#bucket.kv.get(COMPLETE);
    const wasComplete = entry !== null && entry.operation === "PUT";
    if (isComplete === wasComplete) return;
    if (isComplete) await this.#bucket.kv.put(COMPLETE, "");
    else await this.#bucket.kv.delete(COMPLETE);
  }
}

const keyOf = (user: string): string => `u.${user}`;
