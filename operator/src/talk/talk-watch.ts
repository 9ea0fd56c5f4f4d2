import { hashOf } from "../kube/hash.ts";
import type { Clock } from "@jichat/protocol/clock.ts";
import type { Told } from "./talk.ts";
import type { Credential, Trust, Way } from "./way.ts";

export interface TalkWatchOptions {
  /** Talks once, from a partition on; never rejects, and ends by itself. */
  readonly talk: (way: Way, fromPartition: number, signal: AbortSignal) => Promise<Told>;
  readonly clock: Clock;
  /** Called when something is to be told that was not told before. */
  readonly onNews: (key: string) => void;
  readonly onTold: (told: Told) => void;
}

/** What a pass knows of the edge. */
export interface Edge {
  readonly way: Way;
  /** Whatever of the ChatCluster changed: people are tried again soon. */
  readonly print: string;
  /** All connectors are those that are wanted: none knows the keys of before alone any more. */
  readonly isSettled: boolean;
}

/** What the talks of late said. Ages are in milliseconds, infinite where there was none. */
export interface Talked {
  readonly last: Told | undefined;
  readonly ageMs: number;
  /** Since the last that went well. */
  readonly goodAgeMs: number;
  /** In a row. */
  readonly failures: number;
}

/** Between the end of a talk that went well and the next: with one's length and two retries under 90 s. */
export const EVERY_MS = 45_000;
/** Behind one that failed, and for as long as they do: people are to be seen coming back. */
export const AGAIN_MS = 10_000;
/** Behind a change: what it does takes a moment. */
export const SOON_MS = 5_000;
/** New keys, and a renewed certificate, take minutes to every pod: so long those of before are good too. */
const BEFORE_MS = 300_000;
/** Talks at once: each is three connections, and one that hangs holds nobody up but itself. */
export const AT_ONCE = 16;
/** So many in a row, and people cannot talk: one alone may have met a takeover. */
export const FAILURES = 2;

/** Certificates and keys that counted until `at`. */
interface Before {
  readonly trust: readonly Trust[];
  readonly credentials: readonly Credential[];
  readonly at: number;
}

interface Watched {
  readonly stop: AbortController;
  edge: Edge;
  before: Before | undefined;
  dueAt: number;
  wake: () => void;
  last: Told | undefined;
  lastAt: number;
  goodAt: number;
  failures: number;
  nextPartition: number;
}

const NOTHING: Talked = { last: undefined, ageMs: Infinity, goodAgeMs: Infinity, failures: 0 };

/** Talks in each ChatCluster by its own clock, beside the passes, and keeps what came of it. */
export class TalkWatch {
  readonly #options: TalkWatchOptions;
  readonly #watched = new Map<string, Watched>();
  readonly #waiting: (() => void)[] = [];
  #running = 0;

  constructor(options: TalkWatchOptions) {
    this.#options = options;
  }

  /** What the talks of this ChatCluster said; from the first call on it is talked. */
  look(key: string, edge: Edge): Talked {
    const now = this.#options.clock.monotonic();
    const watched = this.#watched.get(key);
    if (watched === undefined) {
      this.#begin(key, edge, now);
      return NOTHING;
    }
    this.#follow(watched, edge, now);
    return talkedOf(watched, now);
  }

  /** What the talks there said; undefined where it is not talked. */
  said(key: string): Talked | undefined {
    const watched = this.#watched.get(key);
    return watched === undefined ? undefined : talkedOf(watched, this.#options.clock.monotonic());
  }

  /** Talks there no more, and knows nothing of it. */
  forget(key: string): void {
    this.#watched.get(key)?.stop.abort(new Error("it is not talked here any more"));
    this.#watched.delete(key);
  }

  stop(): void {
    for (const key of this.#watched.keys()) this.forget(key);
  }

  /** Of each ChatCluster whether people can talk there; NaN where that is not known. */
  *states(): Generator<{ readonly key: string; readonly canTalk: number }> {
    const now = this.#options.clock.monotonic();
    for (const [key, watched] of this.#watched) {
      const talked = talkedOf(watched, now);
      yield { key, canTalk: cannotTalk(talked) ? 0 : canTalk(talked) ? 1 : Number.NaN };
    }
  }

  #begin(key: string, edge: Edge, now: number): void {
    const watched: Watched = {
      stop: new AbortController(),
      edge,
      before: undefined,
      dueAt: now,
      wake: () => undefined,
      last: undefined,
      lastAt: -Infinity,
      goodAt: -Infinity,
      failures: 0,
      nextPartition: 0,
    };
    this.#watched.set(key, watched);
    void this.#run(key, watched);
  }

  #follow(watched: Watched, edge: Edge, now: number): void {
    const { way, print } = watched.edge;
    const { trust, credentials } = way;
    const isNew = hashOf([trust, credentials]) !== hashOf([edge.way.trust, edge.way.credentials]);
    if (isNew) watched.before = { trust, credentials, at: now };
    else if (edge.isSettled && now - (watched.before?.at ?? now) > BEFORE_MS) watched.before = undefined;
    watched.edge = edge;
    if (print === edge.print || watched.dueAt <= now + SOON_MS) return;
    watched.dueAt = now + SOON_MS;
    watched.wake();
  }

  async #run(key: string, watched: Watched): Promise<void> {
    const { signal } = watched.stop;
    const { clock } = this.#options;
    while (!signal.aborted) {
      const left = watched.dueAt - clock.monotonic();
      if (left > 0) {
        await this.#sleep(watched, left);
        continue;
      }
      await this.#turn();
      try {
        if (!signal.aborted) await this.#talk(key, watched);
      } finally {
        this.#done();
      }
    }
  }

  async #talk(key: string, watched: Watched): Promise<void> {
    const { clock, talk, onNews, onTold } = this.#options;
    const { way } = watched.edge;
    const { signal } = watched.stop;
    const before = newsOf(watched);
    // From here on a change is one that this talk may not have seen.
    watched.dueAt = Infinity;
    const tried = {
      ...way,
      trust: [...way.trust, ...(watched.before?.trust ?? [])],
      credentials: [...way.credentials, ...(watched.before?.credentials ?? [])],
    };
    const told = await talk(tried, watched.nextPartition, signal);
    if (signal.aborted) return;
    const now = clock.monotonic();
    const isGood = told.outcome === "ok";
    watched.last = told;
    watched.lastAt = now;
    if (isGood) watched.goodAt = now;
    watched.failures = isGood ? 0 : watched.failures + 1;
    watched.nextPartition = told.nextPartition;
    watched.dueAt = Math.min(watched.dueAt, now + (isGood ? EVERY_MS : AGAIN_MS));
    onTold(told);
    if (newsOf(watched) !== before) onNews(key);
  }

  async #sleep(watched: Watched, ms: number): Promise<void> {
    const over = new AbortController();
    watched.wake = () => {
      over.abort(new Error("woken"));
    };
    const signal = AbortSignal.any([over.signal, watched.stop.signal]);
    // Woken earlier, it is called off.
    await this.#options.clock.sleep(ms, signal).catch(() => undefined);
  }

  async #turn(): Promise<void> {
    if (this.#running >= AT_ONCE)
      await new Promise<void>((resolve) => {
        this.#waiting.push(resolve);
      });
    else this.#running += 1;
  }

  /** Whoever waited longest has the place: it is not free in between. */
  #done(): void {
    const next = this.#waiting.shift();
    if (next === undefined) this.#running -= 1;
    else next();
  }
}

const talkedOf = ({ last, lastAt, goodAt, failures }: Watched, now: number): Talked => ({
  last,
  ageMs: now - lastAt,
  goodAgeMs: now - goodAt,
  failures,
});

/** A talk is worth something for so long. */
export const STALE_MS = 180_000;

export const cannotTalk = ({ failures, ageMs }: Talked): boolean => failures >= FAILURES && ageMs <= STALE_MS;
export const canTalk = ({ failures, goodAgeMs }: Talked): boolean =>
  failures < FAILURES && goodAgeMs <= STALE_MS;

/** What a pass would tell of it, but for its age. */
const newsOf = ({ last, failures }: Watched): string =>
  failures >= FAILURES ? `${last?.outcome ?? ""} ${last?.why ?? ""}` : last === undefined ? "" : "ok";
