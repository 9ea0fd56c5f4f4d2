import { randomBytes } from "node:crypto";
import type { Clock } from "@jichat/protocol/clock.ts";
import type { LogRecord } from "@jichat/protocol/log/record.ts";
import type { EffectsWorld } from "./effects.ts";
import { emptyUnit } from "./effect-unit.ts";
import { Effects } from "./effects.ts";
import type { IsOurs } from "./fenced-append.ts";
import { LogRegressed, OwnershipLost } from "./fenced-append.ts";
import { Partition } from "./partition.ts";
import type { Request } from "./partition.ts";
import type { Facts, Log } from "./ports.ts";
import type { Snapshot } from "@jichat/protocol/log/snapshot.ts";
import { takeSnapshot } from "./snapshot.ts";
import type { Replayed } from "./takeover.ts";
import { appendEpoch, catchUp, redoOf, startReplay } from "./takeover.ts";

const STOP_GRACE_MS = 10_000;
const RETRY_MS = 200;
/** An operator mends it, or puts the newer store back: either is noticed within this. */
const REGRESSED_RETRY_MS = 3_000;
/** How long a clean stop waits for effects; what is left the successor redoes. */
const EFFECTS_GRACE_MS = 3_000;

export interface OwnerWorld extends EffectsWorld {
  readonly log: Log;
  readonly facts: Facts;
  readonly clock: Clock;
  readonly isFull: () => boolean;
  readonly loadSnapshot: () => Promise<Snapshot | undefined>;
  readonly saveSnapshot: (snapshot: Snapshot) => Promise<void>;
  /** Begins to take requests for this partition; the result ends it. */
  readonly serve: (offer: (request: Request) => boolean) => () => void;
  readonly onBatch?: (records: readonly LogRecord[], requests: number, appendMs: number) => void;
  readonly warn: (what: string, error: unknown) => void;
  /** A reign began: how long reading the log and fencing the predecessor took. */
  readonly onReign?: (times: {
    readonly replayMs: number;
    readonly epochMs: number;
    readonly position: number;
  }) => void;
  readonly newOwnerId?: () => string;
  readonly ours?: IsOurs;
  /** Ids that hot conversations may hold together; more, and the least recently used go cold. */
  readonly idsMax?: number;
}

export type OwnerState = "replaying" | "serving" | "stopped" | "regressed";

/** One partition in the hands of this router, from the first replay to the last effect. */
export class Owner {
  readonly #world: OwnerWorld;
  readonly #stop = new AbortController();
  readonly #abort = new AbortController();
  #prepared: Replayed | undefined;
  #ended: Promise<void> = Promise.resolve();
  #partition: Partition | undefined;
  #effects: Effects | undefined;
  #replayed: Replayed | undefined;
  /** How far our own reigns have committed: a log that ends before it has lost something. */
  #committed = 0;
  #regression = "";
  state: OwnerState = "replaying";

  constructor(world: OwnerWorld) {
    this.#world = world;
  }

  get waiting(): number {
    return this.#partition?.waiting ?? 0;
  }

  get backlog(): number {
    return this.#effects?.backlog ?? 0;
  }

  /**
   * Reads the partition while its old owner still serves: what is left to read at the hand-over is little.
   */
  async prepare(): Promise<void> {
    const { log, facts } = this.#world;
    const replayed = await startReplay(
      log,
      await this.#world.loadSnapshot(),
      { watermark: facts.watermark(), committed: this.#committed },
      this.#world.idsMax,
    );
    await catchUp(log, replayed);
    this.#prepared = replayed;
  }

  /**
   * Reigns until stopped. A lost reign is tried again as long as the lease is ours, from what the log then
   * holds.
   */
  start(): void {
    this.#ended = this.#reignUntilStopped();
  }

  /**
   * Ends cleanly: finishes the append in flight, then the effects, and leaves a snapshot for the successor.
   */
  async stop(): Promise<void> {
    const { clock } = this.#world;
    this.#stop.abort(new Error("stopped"));
    const cut = setTimeout(() => {
      this.#abort.abort(new Error("stopped"));
    }, STOP_GRACE_MS);
    await this.#ended;
    clearTimeout(cut);
    const until = clock.monotonic() + EFFECTS_GRACE_MS;
    while (this.#effects?.idle === false && clock.monotonic() < until) await clock.sleep(5);
    await this.snapshot();
    this.#abort.abort(new Error("stopped"));
    this.state = "stopped";
  }

  /** Ends at once: somebody else holds the lease. */
  drop(): void {
    this.#stop.abort(new Error("lease lost"));
    this.#abort.abort(new Error("lease lost"));
    this.state = "stopped";
  }

  /** Redis was lost: tells the new one how far effects stand, without which no list can be rebuilt. */
  republish(): void {
    if (this.#effects !== undefined) this.#effects.add(emptyUnit(this.#effects.done));
  }

  async snapshot(): Promise<void> {
    const [replayed, partition, effects] = [this.#replayed, this.#partition, this.#effects];
    if (replayed === undefined || partition === undefined || effects === undefined) return;
    try {
      const snapshot = await partition.capture(() =>
        takeSnapshot(replayed.state, partition.position, effects.done),
      );
      if (snapshot !== undefined) await this.#world.saveSnapshot(snapshot);
    } catch (error) {
      this.#world.warn("snapshot not saved; a start will be colder", error);
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
          if (error.message !== this.#regression)
            this.#world.warn("LogRegressed: this partition stops; see docs/operations.md", error);
          this.#regression = error.message;
          // Stopped meanwhile.
          await this.#world.clock.sleep(REGRESSED_RETRY_MS, signal).catch(() => undefined);
          continue;
        }
        if (!signal.aborted)
          this.#world.warn(
            error instanceof OwnershipLost ? "reign lost to a successor" : "reign ended",
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

  async #reign(ended: AbortSignal): Promise<void> {
    const world = this.#world;
    this.state = "replaying";
    const began = world.clock.monotonic();
    if (this.#prepared === undefined) await this.prepare();
    const replayed = this.#prepared;
    this.#prepared = undefined;
    if (replayed === undefined) throw new Error("nothing was replayed");
    await catchUp(world.log, replayed);
    const replayedAt = world.clock.monotonic();
    const owner = world.newOwnerId?.() ?? randomBytes(12).toString("base64url");
    const position = await appendEpoch(
      world.log,
      replayed,
      owner,
      world.clock,
      this.#abort.signal,
      world.ours,
    );
    world.onReign?.({
      replayMs: replayedAt - began,
      epochMs: world.clock.monotonic() - replayedAt,
      position,
    });
    const effects = new Effects(world, replayed.done, ended);
    const redo = redoOf(replayed, world.facts);
    if (redo !== undefined) effects.redo(redo);
    // Redis may have been lost since: it is told how far effects stand.
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
    try {
      await partition.run(this.#stop.signal, this.#abort.signal);
    } finally {
      this.#committed = partition.position;
      close();
    }
  }
}
