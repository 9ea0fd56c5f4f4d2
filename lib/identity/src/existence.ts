import { ChatError } from "@jichat/protocol/errors.ts";

/** The source that knows who exists. */
export interface Register {
  /** False while the register may be incomplete. Nobody is refused then. */
  readonly isComplete: boolean;
  has(user: string): Promise<boolean>;
}

export interface ExistenceOptions {
  /** How many existing names are remembered. The least recently named go first. */
  readonly knownMax?: number;
  /** How many queries to the register run at once. */
  readonly atOnce?: number;
  /** How many queries may wait. One more gets BUSY. */
  readonly waitingMax?: number;
}

const KNOWN_MAX = 100_000;
const AT_ONCE = 64;
const WAITING_MAX = 20_000;
const NAMES_TOLD_MAX = 10;

interface PendingCheck {
  readonly user: string;
  readonly resolve: (exists: Promise<boolean>) => void;
}

/**
 * Checks whether named people exist. Only existing names are cached, until `forget`: queries for unknown
 * names evict nothing. Concurrent queries for one name share one answer.
 */
export class Existence {
  readonly #register: Register;
  readonly #halfMax: number;
  readonly #atOnce: number;
  readonly #waitingMax: number;
  /** Two generations. The older one is dropped when the younger is full, so a hit costs one look-up. */
  #young = new Set<string>();
  #old = new Set<string>();
  readonly #asked = new Map<string, Promise<boolean>>();
  #waiting: PendingCheck[] = [];
  #running = 0;

  constructor(register: Register, { knownMax, atOnce, waitingMax }: ExistenceOptions = {}) {
    this.#register = register;
    this.#halfMax = Math.max(1, Math.floor((knownMax ?? KNOWN_MAX) / 2));
    this.#atOnce = atOnce ?? AT_ONCE;
    this.#waitingMax = waitingMax ?? WAITING_MAX;
  }

  get known(): number {
    return this.#young.size + this.#old.size;
  }

  /** Number of names with a query in progress. */
  get asking(): number {
    return this.#asked.size;
  }

  /**
   * Undefined if all users are known to exist without a query. Otherwise resolves with those that do not
   * exist. Rejects with a retryable error if the register cannot answer.
   */
  missing(users: readonly string[]): Promise<readonly string[]> | undefined {
    if (!this.#register.isComplete) return undefined;
    const unknown = users.filter((user) => !this.#isKnown(user));
    return unknown.length === 0 ? undefined : this.#askAll([...new Set(unknown)]);
  }

  /** Throws NOT_FOUND, with their names, if some of these do not exist. */
  async require(users: readonly string[]): Promise<void> {
    const missing = (await this.missing(users)) ?? [];
    if (missing.length > 0) throw nobody(missing);
  }

  /**
   * Asks anew for this name from now on, since its account may have been deleted. A query in progress may
   * have been answered before the deletion, so its answer is not kept.
   */
  forget(user: string): void {
    this.#young.delete(user);
    this.#old.delete(user);
    this.#asked.delete(user);
  }

  async #askAll(users: readonly string[]): Promise<readonly string[]> {
    const exist = await Promise.all(users.map((user) => this.#ask(user)));
    return users.filter((_, index) => exist[index] === false);
  }

  #ask(user: string): Promise<boolean> {
    const asked = this.#asked.get(user);
    if (asked !== undefined) return asked;
    const answer = this.#turn(user).then(
      (exists) => {
        if (this.#settle(user, answer) && exists) this.#know(user);
        return exists;
      },
      (error: unknown) => {
        this.#settle(user, answer);
        throw error;
      },
    );
    this.#asked.set(user, answer);
    return answer;
  }

  /** Ends a query. False if it was forgotten meanwhile. */
  #settle(user: string, answer: Promise<boolean>): boolean {
    return this.#asked.get(user) === answer && this.#asked.delete(user);
  }

  #turn(user: string): Promise<boolean> {
    if (this.#running < this.#atOnce) return this.#run(user);
    if (this.#waiting.length >= this.#waitingMax)
      return Promise.reject(
        new ChatError("BUSY", "too many look-ups of users wait: send it again later", {
          retryAfterMs: 1_000,
        }),
      );
    return new Promise((resolve) => {
      this.#waiting.push({ user, resolve });
    });
  }

  async #run(user: string): Promise<boolean> {
    this.#running += 1;
    try {
      return await this.#register.has(user);
    } catch (error) {
      // Waiting queries would only get the same error, each after its own wait.
      const waiting = this.#waiting;
      this.#waiting = [];
      for (const { resolve } of waiting) resolve(Promise.reject(error));
      throw error;
    } finally {
      this.#running -= 1;
      const next = this.#waiting.shift();
      next?.resolve(this.#run(next.user));
    }
  }

  #isKnown(user: string): boolean {
    if (this.#young.has(user)) return true;
    if (!this.#old.has(user)) return false;
    this.#know(user);
    return true;
  }

  #know(user: string): void {
    if (this.#young.size >= this.#halfMax) {
      this.#old = this.#young;
      this.#young = new Set();
    }
    this.#old.delete(user);
    this.#young.add(user);
  }
}

/** The error for names that nobody has. It lists the first ten. */
export function nobody(missing: readonly string[]): ChatError {
  const told = missing.slice(0, NAMES_TOLD_MAX).join(", ");
  const more = missing.length - NAMES_TOLD_MAX;
  return new ChatError(
    "NOT_FOUND",
    `these users do not exist: ${told}${more > 0 ? `, and ${more} more` : ""}`,
  );
}
