import type { NatsConnection } from "@nats-io/transport-node";
import { DELETED_PERSON, progressText, readProgress } from "@jichat/protocol/bus/kv-values.ts";
import type { Names } from "@jichat/protocol/bus/names.ts";
import { systemClock } from "@jichat/protocol/clock.ts";
import { ChatError } from "@jichat/protocol/errors.ts";
import { Bucket } from "@jichat/runtime/bucket.ts";
import { isConflict } from "@jichat/runtime/conflict.ts";
import { hearingOf } from "@jichat/runtime/hearing.ts";

/**
 * A send waits for this answer. The limit is short, so a client learns of an unresponsive KV before it would
 * retry.
 */
const TIMEOUT_MS = 2_000;
const WATCH_WAIT_MS = 5_000;
const COMPLETE = "complete";
const PROGRESS = "progress";

interface Log {
  warn(of: object, line: string): void;
}

/**
 * The users that have an account, in a bucket of names alone. Edges that may not read accounts read this
 * bucket. A name is written after its account, so every name has one. Until the bucket is marked complete, an
 * account may lack its name here. The name of a deleted account stays, marked as deleted: a process that adds
 * names late cannot bring it back.
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
   * Watches whether the bucket is complete. Resolves once that is known. If this takes too long, for example
   * while the rights are still missing, it resolves anyway and keeps trying. Until it is known nobody is
   * refused.
   */
  async watch(signal: AbortSignal, log: Log): Promise<void> {
    const hearing = hearingOf(log, "the register of people");
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

  /**
   * True for a user whose account was not deleted. Reads from the leader, so a new user is found at once.
   * Throws UNAVAILABLE if the KV does not answer.
   */
  async has(user: string): Promise<boolean> {
    try {
      const entry = await this.#bucket.kv.get(keyOf(user));
      return entry !== null && entry.operation === "PUT" && entry.string() !== DELETED_PERSON;
    } catch (cause) {
      throw new ChatError("UNAVAILABLE", "the register of people is not reachable", {
        cause,
        retryAfterMs: 1_000,
      });
    }
  }

  /** Adds a user. Does nothing if the user is here already, or was deleted. */
  async add(user: string): Promise<void> {
    try {
      await this.#bucket.kv.create(keyOf(user), "");
    } catch (error) {
      if (!isConflict(error)) throw error;
    }
  }

  /** Marks a user's account as deleted, for good. Safe to repeat. */
  async remove(user: string): Promise<void> {
    await this.#bucket.kv.put(keyOf(user), DELETED_PERSON);
  }

  /** The revision of the accounts bucket up to which everybody is in here; 0 if unknown. */
  async progress(): Promise<number> {
    const entry = await this.#bucket.kv.get(PROGRESS);
    return entry === null || entry.operation !== "PUT" ? 0 : readProgress(entry.string());
  }

  async setProgress(revision: number): Promise<void> {
    await this.#bucket.kv.put(PROGRESS, progressText(revision));
  }

  /**
   * Sets or clears the mark that every account is in here. While it is set, an absent name belongs to nobody.
   */
  async setComplete(isComplete: boolean): Promise<void> {
    const entry = await this.#bucket.kv.get(COMPLETE);
    const wasComplete = entry !== null && entry.operation === "PUT";
    if (isComplete === wasComplete) return;
    if (isComplete) await this.#bucket.kv.put(COMPLETE, "");
    else await this.#bucket.kv.delete(COMPLETE);
  }
}

const keyOf = (user: string): string => `u.${user}`;
