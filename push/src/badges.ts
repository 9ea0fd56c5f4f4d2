import type { Clock } from "@jichat/protocol/clock.ts";
import { AgedMap } from "./aged-map.ts";
import type { Log, Notes } from "./ports.ts";

/** A user's unread messages are counted at most this often. */
const COUNT_EVERY_MS = 2_000;
const USERS_MAX = 20_000;
/** Most messages that are added to a count before it is made again. */
const LATER_MAX = 200;

interface Counted {
  readonly unread: number | undefined;
  /** Monotonic milliseconds at which it was asked for. */
  readonly at: number;
  /** Messages that were pushed since, and that it does not hold. */
  readonly later: Set<string>;
}

export interface BadgedMessage {
  readonly conversation: string;
  readonly no: number;
  /** Monotonic milliseconds at which Redis was told of the message, at the latest. */
  readonly knownAt: number;
}

export interface BadgesParts {
  readonly notes: Pick<Notes, "unread">;
  readonly clock: Pick<Clock, "monotonic">;
  readonly log: Log;
}

/** Unread messages of users, counted in Redis at most every two seconds, and added to in between. */
export class Badges {
  readonly #parts: BadgesParts;
  readonly #counts: AgedMap<Counted>;

  constructor(parts: BadgesParts) {
    this.#parts = parts;
    const now = (): number => parts.clock.monotonic();
    const options = { max: USERS_MAX, ageMs: () => COUNT_EVERY_MS, now };
    this.#counts = new AgedMap(async (user) => this.#count(user), options);
  }

  /** `undefined` if it is not known. `message` is one that is about to be pushed. */
  async of(user: string, message: BadgedMessage | undefined): Promise<number | undefined> {
    const { unread, at, later } = await this.#counts.of(user);
    if (unread === undefined) return undefined;
    // Redis counts a message from the moment on at which it was asked about it.
    if (message !== undefined && message.knownAt > at && later.size < LATER_MAX)
      later.add(`${message.conversation} ${message.no}`);
    return unread + later.size;
  }

  /** The user has read something: what was counted is too much. */
  changed(user: string): void {
    this.#counts.forget(user);
  }

  /** A push without a badge is better than none: a count that fails is not known. */
  async #count(user: string): Promise<Counted> {
    const at = this.#parts.clock.monotonic();
    const unread = await this.#parts.notes.unread(user).catch((error: unknown) => {
      this.#parts.log.warn({ err: error }, "a badge cannot be counted: the push goes out without one");
      return undefined;
    });
    return { unread, at, later: new Set() };
  }
}
