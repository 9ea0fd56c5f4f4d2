import { systemClock } from "@jichat/protocol/clock.ts";
import type { RedisConnection } from "@jichat/presence/redis.ts";
import type { Logger } from "pino";

const KNOWN_SECONDS = 30 * 24 * 3_600;
const HELD_MAX = 100_000;

type AddressStore = Pick<RedisConnection, "exists" | "set">;

/**
 * Addresses from which users signed in within 30 days: in Redis, and the latest ones of this process in
 * memory.
 */
export class KnownAddresses {
  readonly #redis: AddressStore | undefined;
  readonly #prefix: string;
  readonly #log: Logger;
  readonly #held = new Map<string, number>();

  constructor(redis: AddressStore | undefined, cluster: string, log: Logger) {
    this.#redis = redis;
    this.#prefix = `${cluster}:signed-in:`;
    this.#log = log;
  }

  /** False also while Redis does not answer, unless this process remembers the address. Never rejects. */
  async has(user: string, address: string): Promise<boolean> {
    const key = keyOf(user, address);
    const until = this.#held.get(key);
    if (until !== undefined && until > systemClock.monotonic()) return true;
    try {
      return (await this.#redis?.exists(this.#prefix + key)) === 1;
    } catch (error) {
      this.#log.debug({ err: error }, "the addresses of recent sign-ins cannot be read from Redis");
      return false;
    }
  }

  async add(user: string, address: string): Promise<void> {
    const key = keyOf(user, address);
    if (this.#held.size >= HELD_MAX) this.#held.clear();
    this.#held.set(key, systemClock.monotonic() + 1_000 * KNOWN_SECONDS);
    try {
      await this.#redis?.set(this.#prefix + key, "1", "EX", KNOWN_SECONDS);
    } catch (error) {
      this.#log.debug(
        { err: error },
        "the address of a sign-in could not be written to Redis: this process alone knows it",
      );
    }
  }
}

const keyOf = (user: string, address: string): string => `${user} ${address}`;
