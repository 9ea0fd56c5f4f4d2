import { randomBytes } from "node:crypto";
import type { Clock } from "@jichat/protocol/clock.ts";
import { BATCH_BYTES_MAX } from "@jichat/protocol/limits.ts";
import type { LogRecord } from "@jichat/protocol/log/record.ts";
import type { BatchSize } from "./batch-room.ts";
import { batchSizeOf, smallerThan } from "./batch-room.ts";
import { emptyUnit } from "./effect-unit.ts";
import { Effects } from "./effects.ts";
import type { IsOurs } from "@jichat/log/fenced-append.ts";
import { AppendRefused, LogRegressed, OwnershipLost } from "@jichat/log/fenced-append.ts";
import { Partition } from "./partition.ts";
import type { Request } from "./partition.ts";
import type { FactsSource, Log, EffectsWorld } from "./ports.ts";
import type { SavedSnapshot, Snapshot } from "@jichat/protocol/log/snapshot.ts";
import { takeSnapshot } from "./snapshot.ts";
import type { Replayed } from "./takeover.ts";
import { appendEpoch, catchUp, startReplay } from "./takeover.ts";

const STOP_GRACE_MS = 10_000;
/** An aborted append ends with the time-out of its last request. After this time it is abandoned. */
const STOP_CUT_MS = 8_000;
/** Every log accepts at least this: a record of a mark fits. */
const BATCH_BYTES_LEAST = 1_024;
const RETRY_MS = 200;
/** A repair of the log, or the return of the newer store, is noticed within this time. */
const REST_MS = 3_000;
/** How long a clean stop waits for effects. The next owner redoes the rest. */
const EFFECTS_GRACE_MS = 3_000;
/** The same while a successor waits, and nobody serves. */
const HANDED_EFFECTS_MS = 200;

export interface OwnerWorld extends EffectsWorld {
  readonly log: Log;
  readonly facts: FactsSource;
  readonly clock: Clock;
  readonly isFull: () => boolean;
  readonly loadSnapshot: () => Promise<SavedSnapshot | undefined>;
  /** May take long unless it is in haste: somebody waits for it then. */
  readonly saveSnapshot: (snapshot: Snapshot, isInHaste: boolean) => Promise<void>;
  /** Begins to accept requests for this partition. The returned function ends that. */
  readonly serve: (offer: (request: Request) => boolean) => () => void;
  readonly onBatch?: (records: readonly LogRecord[], requests: number, appendMs: number) => void;
  readonly warn: (what: string, error: unknown) => void;
  /** Called when a reign begins, with the times for reading the log and for fencing the predecessor. */
  readonly onReign?: (times: {
    readonly replayMs: number;
    readonly epochMs: number;
    readonly position: number;
  }) => void;
  readonly newOwnerId?: () => string;
  readonly ours?: IsOurs;
  /** Most ids that hot conversations may hold together. Beyond it, the least recently used go cold. */
  readonly idsMax?: number;
  /** Most bytes of one message to the log, if known to be less than `BATCH_BYTES_MAX`. */
  readonly batchBytesMax?: number | undefined;
}

export type OwnerState = "replaying" | "serving" | "stopped" | "regressed";

/** The owner of one partition, from the first replay to the last effect. */
export class Owner {
  readonly #world: OwnerWorld;
  readonly #stop = new AbortController();
  readonly #abort = new AbortController();
  #prepared: Replayed | undefined;
  #ended: Promise<void> = Promise.resolve();
  #partition: Partition | undefined;
  #effects: Effects | undefined;
  #replayed: Replayed | undefined;
  #snapshotting: Promise<void> = Promise.resolve();
  /** The last position that our own reigns committed. A log that ends before it has lost data. */
  #committed = 0;
  /** What a person has to repair; empty if nothing is known. */
  complaint = "";
  #batchSize: BatchSize;
  #epochSince: number | undefined;
  /** Monotonic time at which this owner last had to stop serving; `undefined` while it serves. */
  unservedSince: number | undefined;
  state: OwnerState = "replaying";

  constructor(world: OwnerWorld) {
    this.#world = world;
    this.#batchSize = batchSizeOf(Math.min(BATCH_BYTES_MAX, world.batchBytesMax ?? BATCH_BYTES_MAX));
  }

  get waiting(): number {
    return this.#partition?.waiting ?? 0;
  }

  /** Monotonic time at which the append in flight began; `undefined` if none is in flight. */
  get appendSince(): number | undefined {
    return this.#epochSince ?? this.#partition?.appendSince;
  }

  /** How long, in milliseconds, requests have waited for a loop that waits for no backend. */
  get stuckMs(): number {
    return this.state === "serving" ? (this.#partition?.stuckMs ?? 0) : 0;
  }

  get backlog(): number {
    return this.#effects?.backlog ?? 0;
  }

  /** Whether every effect of what it has appended is done, pushes included. */
  get isIdle(): boolean {
    return this.#effects?.idle !== false;
  }

  /** Bytes that its effects hold, including those that it may have to redo. */
  get backlogBytes(): number {
    return (this.#effects?.backlogBytes ?? 0) + ((this.#prepared ?? this.#replayed)?.undone.bytes ?? 0);
  }

  /**
   * Reads the partition while its old owner still serves it, so that little is left to read at the hand-over.
   */
  async prepare(): Promise<void> {
    const { log, facts } = this.#world;
    const replayed = await startReplay(
      log,
      await this.#world.loadSnapshot(),
      { watermark: facts.watermark(), committed: this.#committed },
      { idsMax: this.#world.idsMax, backlogBytesMax: this.#world.backlogBytesMax() / 2 },
    );
    await catchUp(log, replayed);
    this.#prepared = replayed;
  }

  /**
   * Reigns until stopped. After a lost reign it tries again from the log's present content, as long as it
   * holds the lease.
   */
  start(): void {
    this.unservedSince = this.#world.clock.monotonic();
    this.#ended = this.#reignUntilStopped();
  }

  /**
   * Stops cleanly: finishes the append in flight, then the effects, and saves a snapshot for the next owner.
   */
  async stop(): Promise<void> {
    if (await this.#endsCleanly(EFFECTS_GRACE_MS)) await this.snapshot();
    this.#end();
  }

  /**
   * Stops for a successor that has read a snapshot of a moment ago. Nobody serves until it has the lease, so
   * this waits for little: effects that are not done by then are redone, and no second snapshot is saved,
   * which takes long where the state is large.
   */
  async handOver(): Promise<void> {
    await this.#endsCleanly(HANDED_EFFECTS_MS);
    this.#end();
  }

  /** Ends the reign, then waits for effects. False if the reign has not ended in time. */
  async #endsCleanly(effectsMs: number): Promise<boolean> {
    const { clock } = this.#world;
    this.#stop.abort(new Error("stopped"));
    if (!(await this.#endsWithinGrace())) return false;
    const until = clock.monotonic() + effectsMs;
    while (!this.isIdle && clock.monotonic() < until) await clock.sleep(5);
    return true;
  }

  #end(): void {
    this.#abort.abort(new Error("stopped"));
    this.state = "stopped";
  }

  /**
   * Returns false if the reign has not ended in time, though aborted. Its result is then unknown, and a
   * successor reads what the log holds.
   */
  async #endsWithinGrace(): Promise<boolean> {
    const { clock } = this.#world;
    const over = new AbortController();
    const late = async (): Promise<false> => {
      await clock.sleep(STOP_GRACE_MS, over.signal);
      this.#abort.abort(new Error("stopped"));
      await clock.sleep(STOP_CUT_MS, over.signal);
      return false;
    };
    const hasEnded = await Promise.race([this.#ended.then(() => true), late().catch(() => false)]);
    over.abort(new Error("it has ended"));
    return hasEnded;
  }

  /** Ends at once: another router holds the lease. */
  drop(): void {
    this.#stop.abort(new Error("lease lost"));
    this.#abort.abort(new Error("lease lost"));
    this.state = "stopped";
  }

  /** Reports how far effects are done to a new Redis. Without that no list can be rebuilt. */
  republish(): void {
    if (this.#effects !== undefined) this.#effects.add(emptyUnit(this.#effects.done));
  }

  /** Saves a snapshot of now, after one that is being saved. Never rejects. */
  async snapshot(isInHaste = true): Promise<void> {
    this.#snapshotting = this.#snapshotting.then(async () => this.#saveSnapshot(isInHaste));
    return this.#snapshotting;
  }

  async #saveSnapshot(isInHaste: boolean): Promise<void> {
    const [replayed, partition, effects] = [this.#replayed, this.#partition, this.#effects];
    if (replayed === undefined || partition === undefined || effects === undefined) return;
    try {
      const snapshot = await partition.capture(() =>
        takeSnapshot(replayed.state, partition.position, effects.done),
      );
      if (snapshot !== undefined) await this.#world.saveSnapshot(snapshot, isInHaste);
    } catch (error) {
      this.#world.warn("the snapshot was not saved: the next start reads more of the log", error);
    }
  }

  async #reignUntilStopped(): Promise<void> {
    const { signal } = this.#stop;
    while (!signal.aborted) {
      const ended = new AbortController();
      try {
        await this.#reign(ended.signal);
      } catch (error) {
        if (error instanceof LogRegressed) {
          this.state = "regressed";
          await this.#rest("LogRegressed: this partition stops; see docs/operations.md", error);
          continue;
        }
        if (error instanceof AppendRefused) {
          // The log accepts less than we knew: try smaller batches. A command that is too large by itself is
          // refused.
          if (error.refusal.code === "FRAME_TOO_LARGE" && error.bytes > BATCH_BYTES_LEAST)
            this.#batchSize = smallerThan(this.#batchSize, error.bytes);
          else {
            await this.#rest("AppendRefused: the log does not accept appends of this router", error);
            continue;
          }
        }
        if (!signal.aborted)
          this.#world.warn(
            error instanceof OwnershipLost
              ? "the reign ended: another router owns the partition now"
              : "the reign ended: the partition is read again",
            error,
          );
        await this.#world.clock.sleep(RETRY_MS);
      } finally {
        if (!signal.aborted) ended.abort(new Error("reign ended"));
        else
          this.#abort.signal.addEventListener("abort", () => {
            ended.abort(new Error("reign ended"));
          });
      }
    }
  }

  async #appendEpoch(replayed: Replayed, owner: string): Promise<number> {
    const { log, clock, ours } = this.#world;
    this.#epochSince = clock.monotonic();
    try {
      return await appendEpoch(log, replayed, { owner, clock, signal: this.#abort.signal, ours });
    } finally {
      this.#epochSince = undefined;
    }
  }

  /** Waits for a repair: warns once, and returns after a while for the next attempt. */
  async #rest(what: string, error: Error): Promise<void> {
    if (error.message !== this.complaint) this.#world.warn(what, error);
    this.complaint = error.message;
    // The owner may be stopped meanwhile.
    await this.#world.clock.sleep(REST_MS, this.#stop.signal).catch(() => undefined);
  }

  async #reign(ended: AbortSignal): Promise<void> {
    const world = this.#world;
    if (this.state !== "regressed") this.state = "replaying"; // "regressed" stays until it serves again.
    const began = world.clock.monotonic();
    if (this.#prepared === undefined) await this.prepare();
    const replayed = this.#prepared;
    this.#prepared = undefined;
    if (replayed === undefined) throw new Error("the replay has no state");
    await catchUp(world.log, replayed);
    const replayedAt = world.clock.monotonic();
    const owner = world.newOwnerId?.() ?? randomBytes(12).toString("base64url");
    const position = await this.#appendEpoch(replayed, owner);
    world.onReign?.({
      replayMs: replayedAt - began,
      epochMs: world.clock.monotonic() - replayedAt,
      position,
    });
    const effects = new Effects(world, replayed.done, ended);
    const redo = replayed.undone.redo(world.facts);
    if (redo !== undefined) effects.redo(redo);
    // Redis may have been lost since: report how far effects are done.
    effects.add(emptyUnit(replayed.done));
    void effects.run();
    const partition = new Partition({
      owner,
      state: replayed.state,
      effects,
      log: world.log,
      facts: world.facts,
      clock: world.clock,
      isFull: world.isFull,
      batchSize: this.#batchSize,
      ours: world.ours,
      position,
      number: 1,
      onBatch: world.onBatch,
    });
    this.#partition = partition;
    this.#effects = effects;
    this.#replayed = replayed;
    const close = world.serve((request) => partition.offer(request));
    this.state = "serving";
    this.unservedSince = undefined;
    this.complaint = "";
    try {
      await partition.run(this.#stop.signal, this.#abort.signal);
    } finally {
      this.unservedSince = world.clock.monotonic();
      this.#committed = partition.position;
      close();
    }
  }
}
