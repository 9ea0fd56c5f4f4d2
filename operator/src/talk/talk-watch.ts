import { hashOf } from "../kube/hash.ts";
import type { Clock } from "@jichat/protocol/clock.ts";
import type { Told } from "./talk.ts";
import { Turns } from "./turns.ts";
import type { Credential, Trust, Way } from "./way.ts";

export interface TalkWatchOptions {
  /** Talks once, and checks partitions from `fromPartition` on. Never rejects, and always ends. */
  readonly talk: (way: Way, fromPartition: number, signal: AbortSignal) => Promise<Told>;
  readonly clock: Clock;
  /** Called when there is news that was not reported before. */
  readonly onNews: (key: string) => void;
  readonly onTold: (told: Told) => void;
}

/** What a pass knows of the edge. */
export interface Edge {
  readonly way: Way;
  /** Changes with anything in the ChatCluster that matters here: the next talk then comes soon. */
  readonly print: string;
  /** All connectors are of the wanted revision: none knows only the earlier keys. */
  readonly isSettled: boolean;
}

/** The results of the latest talks. Ages are in milliseconds, and infinite if there was no such talk. */
export interface Talked {
  readonly last: Told | undefined;
  readonly ageMs: number;
  /** The age of the last talk that succeeded. */
  readonly goodAgeMs: number;
  /** The number of consecutive failures. */
  readonly failures: number;
}

/**
 * The delay from a successful talk to the next. With the length of a talk and two retries it stays under 90
 * s.
 */
export const EVERY_MS = 45_000;
/** The delay after a failed talk, and until one succeeds: recovery should be noticed soon. */
export const AGAIN_MS = 10_000;
/** The delay after a change, which needs a moment to take effect. */
export const SOON_MS = 5_000;
/**
 * New keys and a renewed certificate take minutes to reach every pod. For this long, the earlier ones are
 * accepted too.
 */
const BEFORE_MS = 300_000;
/** The number of concurrent talks. A talk opens three connections, and one that hangs delays no other. */
export const AT_ONCE = 16;
/** After this many consecutive failures, people cannot talk. A single failure may be caused by a takeover. */
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

/** Talks in each ChatCluster on a schedule of its own, beside the passes, and keeps the results. */
export class TalkWatch {
  readonly #options: TalkWatchOptions;
  readonly #watched = new Map<string, Watched>();
  readonly #turns = new Turns(AT_ONCE);

  constructor(options: TalkWatchOptions) {
    this.#options = options;
  }

  /** The results for this ChatCluster. The first call starts the talks. */
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

  /** The results for this ChatCluster; undefined if no talks run there. */
  said(key: string): Talked | undefined {
    const watched = this.#watched.get(key);
    return watched === undefined ? undefined : talkedOf(watched, this.#options.clock.monotonic());
  }

  /** The way that talks take there, with what counted until lately; undefined if no talks run there. */
  way(key: string): Way | undefined {
    const watched = this.#watched.get(key);
    return watched === undefined ? undefined : triedBy(watched);
  }

  /** Stops the talks, and drops their results. */
  forget(key: string): void {
    this.#watched.get(key)?.stop.abort(new Error("the talks of this ChatCluster have ended"));
    this.#watched.delete(key);
  }

  stop(): void {
    for (const key of this.#watched.keys()) this.forget(key);
  }

  /** Whether people can talk in each ChatCluster; NaN if it is unknown. */
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
      await this.#turns.run(async () => {
        if (!signal.aborted) await this.#talk(key, watched);
      });
    }
  }

  async #talk(key: string, watched: Watched): Promise<void> {
    const { clock, talk, onNews, onTold } = this.#options;
    const { signal } = watched.stop;
    const before = newsOf(watched);
    // A change from here on may not be covered by this talk.
    watched.dueAt = Infinity;
    const told = await talk(triedBy(watched), watched.nextPartition, signal);
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
    // An earlier wake-up aborts the sleep.
    await this.#options.clock.sleep(ms, signal).catch(() => undefined);
  }
}

const triedBy = ({ edge: { way }, before }: Watched): Way => ({
  ...way,
  trust: [...way.trust, ...(before?.trust ?? [])],
  credentials: [...way.credentials, ...(before?.credentials ?? [])],
});

const talkedOf = ({ last, lastAt, goodAt, failures }: Watched, now: number): Talked => ({
  last,
  ageMs: now - lastAt,
  goodAgeMs: now - goodAt,
  failures,
});

/** The result of a talk is valid for this long. */
export const STALE_MS = 180_000;

/** Whether people surely cannot talk. If neither this nor `canTalk` holds, it is unknown. */
export const cannotTalk = ({ failures, ageMs }: Talked): boolean => failures >= FAILURES && ageMs <= STALE_MS;
export const canTalk = ({ failures, goodAgeMs }: Talked): boolean =>
  failures < FAILURES && goodAgeMs <= STALE_MS;

/** What a pass would report of it, without its age. */
const newsOf = ({ last, failures }: Watched): string =>
  failures >= FAILURES ? `${last?.outcome ?? ""} ${last?.why ?? ""}` : last === undefined ? "" : "ok";
