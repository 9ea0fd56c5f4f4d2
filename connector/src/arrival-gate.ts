import type { Clock } from "@jichat/protocol/clock.ts";
import { ChatError } from "@jichat/protocol/errors.ts";

/** Whoever shows a ticket had a session a moment ago, and costs less. So resumes come before logins. */
const KINDS = ["resume", "login"] as const;
export type ArrivalKind = (typeof KINDS)[number];

/** A greeting that takes longer says that a backend, or this process, has too much to do. */
const SLOW_MS = 250;
const FIRST_LIMIT = 128;
export const LEAST_LIMIT = 8;
export const MOST_LIMIT = 512;
/** At a slow answer the limit falls to this share, once in the time that an answer takes. */
const CUT = 0.7;
const SMOOTHING = 0.1;
/** Nobody waits longer for a turn. The server closes a socket without a welcome after 5 s. */
export const WAIT_MS_MAX = 2_000;
export const WAITING_MAX = 4_096;
/** The longest delay for a refused device. If there are too many, they get one from its second half. */
export const LATER_MS_MAX = 60_000;
const LEAST_LATER_MS = 500;

interface Waiting {
  readonly since: number;
  readonly isWanted: () => boolean;
  readonly go: () => void;
  readonly refuse: (error: ChatError) => void;
}

const GONE = new ChatError("UNAVAILABLE", "the socket has gone");

export interface ArrivalGateParts {
  readonly time: Pick<Clock, "monotonic">;
  readonly countRefused: (kind: ArrivalKind) => void;
  readonly random?: () => number;
}

/**
 * Lets as many devices be greeted at once as backends bear: fewer as soon as answers are slow, more while
 * they are fast. Some wait for their turn, for a short time. The others are told when to come again, each at
 * another moment, so that they do not come back together.
 */
export class ArrivalGate {
  readonly #parts: ArrivalGateParts;
  readonly #random: () => number;
  readonly #waiting: Readonly<Record<ArrivalKind, Waiting[]>> = { resume: [], login: [] };
  #limit = FIRST_LIMIT;
  #inside = 0;
  /** How long a greeting takes, smoothed. */
  #greetMs = 20;
  /** When the last device went in at once, or came out. */
  #movedAt = 0;
  #cutAt = Number.NEGATIVE_INFINITY;
  /** The moment that was given to the device that was refused last. */
  #laterAt = 0;

  constructor(parts: ArrivalGateParts) {
    this.#parts = parts;
    this.#random = parts.random ?? Math.random;
  }

  get waiting(): number {
    return this.#waiting.resume.length + this.#waiting.login.length;
  }

  get limit(): number {
    return Math.floor(this.#limit);
  }

  /**
   * Devices that are greeted in a second, at the present limit. While nobody leaves, those inside take as
   * long as that already.
   */
  #perSecond(now: number): number {
    const stalledMs = this.#inside < this.limit ? 0 : now - this.#movedAt;
    return (1_000 * this.#limit) / Math.max(1, this.#greetMs, stalledMs);
  }

  /**
   * Resolves when it is this device's turn; the caller then calls `left` once. Rejects with BUSY, which says
   * when to come again. `isWanted` says whether its socket is still there. Undefined means that it is its
   * turn now.
   */
  enter(kind: ArrivalKind, isWanted: () => boolean): Promise<void> | undefined {
    const now = this.#parts.time.monotonic();
    if (this.#inside < this.limit && this.waiting === 0) {
      this.#inside += 1;
      this.#movedAt = now;
      return undefined;
    }
    const ahead = kind === "resume" ? this.#waiting.resume.length : this.waiting;
    const isHopeless = (1_000 * ahead) / this.#perSecond(now) > WAIT_MS_MAX || this.waiting >= WAITING_MAX;
    if (isHopeless) return Promise.reject(this.#refusal(kind, now));
    return new Promise((resolve, reject) => {
      this.#waiting[kind].push({ since: now, isWanted, go: resolve, refuse: reject });
    });
  }

  /** A device was greeted in `ms`, or `failed` since a backend did not answer. */
  left(ms: number, failed = false): void {
    this.#inside -= 1;
    this.#movedAt = this.#parts.time.monotonic();
    this.#learn(ms, failed);
    this.#admit();
  }

  /** The first question of a device that had just arrived was answered in `ms`. */
  answered(ms: number): void {
    if (ms > SLOW_MS) this.#cut();
  }

  #cut(): void {
    const now = this.#parts.time.monotonic();
    if (now - this.#cutAt < this.#greetMs) return;
    this.#cutAt = now;
    this.#limit = Math.max(LEAST_LIMIT, CUT * this.#limit);
  }

  #learn(ms: number, failed: boolean): void {
    this.#greetMs += SMOOTHING * (ms - this.#greetMs);
    if (failed || ms > SLOW_MS) this.#cut();
    else if (this.waiting > 0 || 2 * this.#inside >= this.limit)
      // A limit that is not nearly reached has not been tried.
      this.#limit = Math.min(MOST_LIMIT, this.#limit + 1 / this.#limit);
  }

  #admit(): void {
    while (this.#inside < this.limit) {
      const next = this.#waiting.resume.shift() ?? this.#waiting.login.shift();
      if (next === undefined) return;
      if (next.isWanted()) {
        this.#inside += 1;
        next.go();
      } else next.refuse(GONE);
    }
  }

  /** Refuses those that have waited too long, since backends do not answer. Call it twice a second. */
  sweep(now: number): void {
    for (const kind of KINDS) {
      const queue = this.#waiting[kind];
      while (queue[0] !== undefined && now - queue[0].since >= WAIT_MS_MAX) {
        const late = queue.shift();
        late?.refuse(late.isWanted() ? this.#refusal(kind, now) : GONE);
      }
    }
  }

  /** Each refused device gets a moment of its own, at the rate at which devices are greeted. */
  #refusal(kind: ArrivalKind, now: number): ChatError {
    this.#parts.countRefused(kind);
    const everyMs = 1_000 / this.#perSecond(now);
    this.#laterAt = Math.max(this.#laterAt, now + LEAST_LATER_MS + WAIT_MS_MAX) + everyMs;
    const laterMs = this.#laterAt - now;
    const retryAfterMs = Math.round(
      laterMs <= LATER_MS_MAX ? laterMs : LATER_MS_MAX * (1 - this.#random() / 2),
    );
    if (laterMs > LATER_MS_MAX) this.#laterAt = now + LATER_MS_MAX;
    return new ChatError("BUSY", "too many devices connect at once", { retryAfterMs });
  }
}
