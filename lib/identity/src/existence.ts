import { ChatError } from "@jichat/protocol/errors.ts";

/** Where it is asked who exists. */
export interface Register {
  /** False while it may lack some who exist: nobody is refused then. */
  readonly isComplete: boolean;
  has(user: string): Promise<boolean>;
}

export interface ExistenceOptions {
  /** Those who exist and were named of late; bounded by forgetting who was not named for longest. */
  readonly knownMax?: number;
  /** Questions to the register at once. */
  readonly atOnce?: number;
  /** Questions that wait for their turn; one more is BUSY. */
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
 * Whether people exist, for doors that take their names. Only those who do are kept: accounts are never
 * deleted, so that never goes stale, and who asks for names of nobody pushes nobody out. Each name is asked
 * for once at a time, whoever waits for it.
 */
export class Existence {
  readonly #register: Register;
  readonly #halfMax: number;
  readonly #atOnce: number;
  readonly #waitingMax: number;
  /** Two halves, the older of which is dropped when the younger is full: a hit is a look-up, no more. */
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

  /** Names that are being asked for. */
  get asking(): number {
    return this.#asked.size;
  }

  /**
   * Undefined when it is known without asking that nobody is missing; else resolves with those who do not
   * exist. Rejects with a retryable error where that cannot be told.
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

  async #askAll(users: readonly string[]): Promise<readonly string[]> {
    const exist = await Promise.all(users.map((user) => this.#ask(user)));
    return users.filter((_, index) => exist[index] === false);
  }

  #ask(user: string): Promise<boolean> {
    const asked = this.#asked.get(user);
    if (asked !== undefined) return asked;
    const answer = this.#turn(user).then(
      (exists) => {
        this.#asked.delete(user);
        if (exists) this.#know(user);
        return exists;
      },
      (error: unknown) => {
        this.#asked.delete(user);
        throw error;
      },
    );
    this.#asked.set(user, answer);
    return answer;
  }

  #turn(user: string): Promise<boolean> {
    if (this.#running < this.#atOnce) return this.#run(user);
    if (this.#waiting.length >= this.#waitingMax)
      return Promise.reject(
        new ChatError("BUSY", "too many wait to hear who exists", { retryAfterMs: 1_000 }),
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
      // Whoever waits would only be told the same, each after a wait of its own.
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

/** What is told of names that nobody has: the first ten of them. */
export function nobody(missing: readonly string[]): ChatError {
  const told = missing.slice(0, NAMES_TOLD_MAX).join(", ");
  const more = missing.length - NAMES_TOLD_MAX;
  return new ChatError(
    "NOT_FOUND",
    `nobody is called ${told}${more > 0 ? `, nor ${more} more of those named` : ""}`,
  );
}
