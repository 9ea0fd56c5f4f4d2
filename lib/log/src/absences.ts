/**
 * What came of one question to an owner: an answer, the word of NATS that nobody has subscribed, or neither.
 * A stopped process and a host that is cut off are silent: NATS keeps their subscriptions for some seconds.
 */
export type Sign = "answered" | "nobody" | "silent";

/** How often an owner is asked. */
export const ASK_EVERY_MS = 200;
/** So many words in a row: 600 to 800 ms. A client that lost its server is back at another one by then. */
export const NOBODIES = 4;
/** An owner that was struck off and came back is left to its lease for this time. */
export const REST_MS = 60_000;
/** How many others an owner asks. So questions grow with the owners, and not with their square. */
export const ASKED = 2;

interface Known {
  nobodies: number;
}

/**
 * Decides which owners are surely gone, so that their partitions need not wait for a lease to expire. Pure:
 * the caller passes the time, in monotonic milliseconds.
 *
 * An owner is gone if it has answered before, and NATS then says four times in a row that nobody has
 * subscribed to its subject. One that never answered (an earlier build, or a login that may not subscribe) is
 * left to its lease. So is everyone for `quietMs` after this process has lost its own connection, since
 * others then come back as late as it did.
 */
export class Absences {
  readonly #quietMs: number;
  readonly #known = new Map<string, Known>();
  /** When owners left or were struck off. */
  readonly #left = new Map<string, number>();
  /** Owners that came back, with the time until which they are left to their lease. */
  readonly #resting = new Map<string, number>();
  #quietUntil = Number.NEGATIVE_INFINITY;

  constructor(quietMs: number) {
    this.#quietMs = quietMs;
  }

  /** Whom `me` asks now: those who follow it in the order of names, as on a ring. */
  asked(me: string, living: Iterable<string>, now: number): readonly string[] {
    this.#forget(now);
    const others = [...new Set(living)].filter((id) => id !== me).sort();
    const after = others.findIndex((id) => id > me);
    const first = after < 0 ? 0 : after;
    const ring = [...others.slice(first), ...others.slice(0, first)].slice(0, ASKED);
    for (const id of this.#known.keys()) if (!ring.includes(id)) this.#known.delete(id);
    return ring;
  }

  /** Takes a sign of `id`. True if it is surely gone: then it counts as unknown again. */
  isGone(id: string, sign: Sign, now: number): boolean {
    if (sign === "answered") {
      this.#known.set(id, { nobodies: 0 });
      return false;
    }
    const known = this.#known.get(id);
    if (known === undefined) return false;
    known.nobodies = sign === "nobody" && now >= this.#quietUntil ? known.nobodies + 1 : 0;
    if (known.nobodies < NOBODIES || (this.#resting.get(id) ?? now) > now) return false;
    this.#known.delete(id);
    return true;
  }

  /** This process has lost its own connection, or has it back. */
  reconnected(now: number): void {
    this.#quietUntil = now + this.#quietMs;
    for (const known of this.#known.values()) known.nobodies = 0;
  }

  /** The key of `id` was deleted: it has left, or somebody struck it off. */
  left(id: string, now: number): void {
    this.#left.set(id, now);
  }

  /** The key of `id` was written. Ids are unique per start, so one that comes back was there all the time. */
  renewed(id: string, now: number): void {
    if (this.#left.delete(id)) this.#resting.set(id, now + REST_MS);
  }

  /** Keeps what was noted for a minute, since ids of processes are never used again. */
  #forget(now: number): void {
    for (const [id, at] of this.#left) if (now - at > REST_MS) this.#left.delete(id);
    for (const [id, until] of this.#resting) if (now >= until) this.#resting.delete(id);
  }
}
