import type { Clock } from "@jichat/protocol/clock.ts";
import type { Burst } from "./folding.ts";
import { BURST_MAX, NO_BURST, foldNext } from "./folding.ts";
import type { Job, Scope, Settled } from "./job.ts";
import { laterOf } from "./told.ts";

/** Places whose bursts are remembered. Idle ones that were used longest ago go first. */
const LANES_MAX = 50_000;
/** Folded notifications that wait at once, over all places. One more goes out at once. */
const NAPPING_MAX = 20_000;

/** Who offered a push. */
interface Offerer {
  readonly resolve: (settled: Settled) => void;
  readonly reject: (error: unknown) => void;
}

interface Waiting {
  readonly job: Job;
  readonly scope: Scope;
  readonly dueMs: number;
  readonly isFolded: boolean;
  /** Of this push, and of those that it stands for. */
  readonly offerers: readonly Offerer[];
  /** The oldest message that it stands for. */
  readonly lowSeq: number;
}

/** The order of one place: a conversation on a device. */
interface Lane {
  burst: Burst;
  /** The newest seq that was offered. */
  seq: number;
  waiting: Waiting[];
  isBusy: boolean;
  nap: AbortController | undefined;
}

export interface LanesParts {
  readonly clock: Clock;
  /** Resolves with `superseded` only if `isSuperseded` says so. */
  readonly send: (job: Job, scope: Scope, isSuperseded: () => boolean) => Promise<Settled>;
  readonly onFolded: () => void;
}

/**
 * Sends the pushes of one place one after the other, in the order of their messages, and folds bursts
 * (`folding.ts`). What waits behind an attempt that has to be repeated takes its place: it stands for both.
 */
export class Lanes {
  readonly #parts: LanesParts;
  readonly #lanes = new Map<string, Lane>();
  readonly #napping = new Set<Lane>();
  #held = 0;

  constructor(parts: LanesParts) {
    this.#parts = parts;
  }

  /** Pushes that are not settled. */
  get held(): number {
    return this.#held;
  }

  get size(): number {
    return this.#lanes.size;
  }

  /**
   * Resolves once the push is settled, or the later one of its place that stands for it: until then its
   * message stays in the queue, so that a crash loses neither. Rejects if the scope ends first. A message at
   * or below one that was offered before is a repetition.
   */
  async offer(job: Job, scope: Scope): Promise<Settled> {
    const lane = this.#laneOf(job.key);
    if (job.message.seq <= lane.seq) return "repeated";
    lane.seq = job.message.seq;
    const now = this.#parts.clock.monotonic();
    const { burst, fold } = foldNext(lane.burst, now);
    lane.burst = burst;
    this.#held += 1;
    const settled = new Promise<Settled>((resolve, reject) => {
      const isNapping = fold.is === "folded" && !scope.closing.aborted && this.#napping.size < NAPPING_MAX;
      const count = fold.is === "folded" ? Math.max(job.count, fold.count) : job.count;
      const wait = { scope, dueMs: isNapping ? fold.dueMs : now, lowSeq: job.message.seq };
      const offerers = [{ resolve, reject }];
      this.#add(lane, { ...wait, offerers, job: { ...job, count }, isFolded: fold.is === "folded" });
    }).finally(() => {
      this.#held -= 1;
    });
    if (!lane.isBusy) void this.#run(lane);
    return settled;
  }

  /** Whether something of this place is on its way or waits. */
  isBusy(key: string): boolean {
    return this.#lanes.get(key)?.isBusy === true;
  }

  /** Runs `act` as if it were a push of its place. The caller has checked `isBusy`. */
  async alone<T>(key: string, act: () => Promise<T>): Promise<T> {
    const lane = this.#laneOf(key);
    lane.isBusy = true;
    try {
      return await act();
    } finally {
      lane.isBusy = false;
      if (lane.waiting.length > 0) void this.#run(lane);
    }
  }

  /** Lets what waits to be folded go out now: of one partition, or all. */
  flush(partition?: number): void {
    for (const lane of this.#napping) {
      const [next] = lane.waiting;
      if (next === undefined || (partition !== undefined && next.scope.partition !== partition)) continue;
      lane.waiting[0] = { ...next, dueMs: 0 };
      lane.nap?.abort(new Error("it goes out now"));
    }
  }

  /** A folded one takes the place of the folded one before it, which keeps its time. */
  #add(lane: Lane, next: Waiting): void {
    const last = lane.waiting.at(-1);
    if (last === undefined || (!last.isFolded && lane.waiting.length < BURST_MAX)) {
      lane.waiting.push(next);
      return;
    }
    const count = last.isFolded
      ? Math.max(next.job.count, last.job.count + 1)
      : next.job.count + last.job.count;
    const dueMs = last.isFolded ? last.dueMs : next.dueMs;
    lane.waiting.splice(-1, 1, standingFor(last, { ...next, dueMs }, count));
    this.#parts.onFolded();
  }

  async #run(lane: Lane): Promise<void> {
    lane.isBusy = true;
    for (let next = lane.waiting[0]; next !== undefined; next = lane.waiting[0]) {
      if (await this.#nap(lane, next)) continue; // By now another one may be the first.
      lane.waiting.shift();
      await this.#sendOne(lane, next);
    }
    lane.isBusy = false;
  }

  /** Waits until it is due. False if it is. */
  async #nap(lane: Lane, { dueMs, scope }: Waiting): Promise<boolean> {
    const restMs = dueMs - this.#parts.clock.monotonic();
    if (restMs <= 0 || scope.closing.aborted || scope.signal.aborted) return false;
    const nap = new AbortController();
    lane.nap = nap;
    this.#napping.add(lane);
    await this.#parts.clock.sleep(restMs, nap.signal).catch(() => undefined); // It was woken.
    this.#napping.delete(lane);
    lane.nap = undefined;
    return true;
  }

  async #sendOne(lane: Lane, sent: Waiting): Promise<void> {
    const { job, scope, offerers, lowSeq } = sent;
    try {
      scope.signal.throwIfAborted();
      const settled = await this.#parts.send(job, scope, () => lane.waiting.length > 0);
      const [next] = lane.waiting;
      if (settled === "superseded" && next !== undefined) {
        const count = next.isFolded ? next.job.count : next.job.count + job.count;
        lane.waiting[0] = standingFor(sent, next, count);
        this.#parts.onFolded();
        return;
      }
      if (settled === "skipped") forget(lane, lowSeq);
      for (const { resolve } of offerers) resolve(settled);
    } catch (error) {
      forget(lane, lowSeq);
      for (const { reject } of offerers) reject(error);
    }
  }

  #laneOf(key: string): Lane {
    const known = this.#lanes.get(key);
    const lane = known ?? { burst: NO_BURST, seq: 0, waiting: [], isBusy: false, nap: undefined };
    this.#lanes.delete(key);
    this.#lanes.set(key, lane);
    if (this.#lanes.size > LANES_MAX) this.#makeRoom();
    return lane;
  }

  #makeRoom(): void {
    for (const [key, lane] of this.#lanes) {
      if (this.#lanes.size <= LANES_MAX) return;
      if (!lane.isBusy && lane.waiting.length === 0) this.#lanes.delete(key);
    }
  }
}

/** The later of two, for both: what is urgent in one of them is urgent in both. */
const standingFor = (earlier: Waiting, later: Waiting, count: number): Waiting => ({
  ...later,
  job: {
    ...later.job,
    count,
    message: laterOf(later.job.user, earlier.job.message, later.job.message),
    isUrgent: earlier.job.isUrgent || later.job.isUrgent,
    hasSound: earlier.job.hasSound || later.job.hasSound,
  },
  isFolded: true,
  offerers: [...earlier.offerers, ...later.offerers],
  lowSeq: earlier.lowSeq,
});

/** What was not sent may be offered again. */
function forget(lane: Lane, lowSeq: number): void {
  lane.seq = Math.min(lane.seq, lowSeq - 1);
}
