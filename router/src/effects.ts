import { merge } from "./backlog.ts";
import type { EffectUnit } from "./effect-unit.ts";
import { takeUnpushed } from "./effect-unit.ts";
import type { EffectsWorld } from "./ports.ts";
import { PushLane } from "./push-lane.ts";
import { UnitWork } from "./unit-work.ts";

const RETRY_MS = 100;

/**
 * Makes a unit whose recipients must first be asked of storage. A new owner needs it to redo the effects of a
 * cold conversation.
 */
export type Unresolved = (signal: AbortSignal) => Promise<EffectUnit>;

/**
 * The effects of one partition, in order, concurrent with its appends. Waiting units are merged. Beyond a
 * bound they are folded into gaps and names (`backlog.ts`).
 */
export class Effects {
  readonly #world: EffectsWorld;
  readonly #signal: AbortSignal;
  #waiting: EffectUnit | undefined;
  #underWay: EffectUnit | undefined;
  #unresolved: Unresolved | undefined;
  #wake: () => void = () => {};
  readonly #pushes: PushLane;
  #done: number;
  /** Like `#done`, without the push queue. */
  #told: number;
  #busy = false;

  constructor(world: EffectsWorld, done: number, signal: AbortSignal) {
    this.#world = world;
    this.#done = done;
    this.#told = done;
    this.#signal = signal;
    this.#pushes = new PushLane(world, signal, (position) => {
      this.#done = Math.max(this.#done, position);
    });
  }

  /** Every effect of every batch up to here is done. */
  get done(): number {
    return this.#done;
  }

  /** Number of events that wait, plus one while a unit is in progress. */
  get backlog(): number {
    return (this.#waiting?.events.length ?? 0) + (this.#busy ? 1 : 0);
  }

  /** Approximate bytes of memory that they hold. */
  get backlogBytes(): number {
    return (this.#waiting?.bytes ?? 0) + (this.#underWay?.bytes ?? 0) + this.#pushes.bytes;
  }

  get idle(): boolean {
    const hasWork = this.#waiting !== undefined || this.#unresolved !== undefined || this.#busy;
    return !hasWork && this.#pushes.isIdle;
  }

  add(unit: EffectUnit): void {
    if (this.#waiting === undefined) this.#waiting = unit;
    else if (merge(this.#waiting, unit, this.#world.backlogBytesMax() / 2)) this.#world.count("folded", 1);
    this.#countDropped(this.#waiting);
    this.#wake();
  }

  /** Sets the effects to do before all others. Call it at most once, before `run`. */
  redo(unresolved: Unresolved): void {
    this.#unresolved = unresolved;
  }

  /**
   * Works until the signal aborts. A unit is retried until it is done, since skipping one would lose
   * messages.
   */
  async run(): Promise<void> {
    this.#signal.addEventListener(
      "abort",
      () => {
        this.#wake();
      },
      { once: true },
    );
    while (!this.#signal.aborted) {
      const resolve = this.#next();
      if (resolve === undefined) {
        const { promise, resolve: wake } = Promise.withResolvers<void>();
        this.#wake = wake;
        await promise;
        continue;
      }
      this.#busy = true;
      await this.#carryOut(resolve);
      this.#underWay = undefined;
      this.#busy = false;
    }
  }

  #next(): Unresolved | undefined {
    const unresolved = this.#unresolved;
    if (unresolved !== undefined) {
      this.#unresolved = undefined;
      return unresolved;
    }
    const unit = this.#waiting;
    this.#waiting = undefined;
    return unit && (async () => unit);
  }

  async #carryOut(resolve: Unresolved): Promise<void> {
    const unit = await this.#untilDone(async () => resolve(this.#signal));
    if (unit === undefined) return;
    this.#underWay = unit;
    this.#countDropped(unit); // `add` has not counted a redone unit.
    // A republish that waited was made before the previous unit was done. It must not report an older
    // position.
    const work = new UnitWork(this.#world, unit, Math.max(unit.position, this.#told), this.#signal);
    if ((await this.#untilDone(async () => work.goOn())) !== true) return;
    this.#told = Math.max(this.#told, unit.position);
    await this.#pushes.add(this.#told, work.pushes);
  }

  #countDropped(unit: EffectUnit): void {
    const shed = unit.notices.takeShed();
    if (shed > 0) this.#world.count("shed", shed);
    const unpushed = takeUnpushed(unit);
    if (unpushed > 0) this.#world.count("unpushed", unpushed);
  }

  /** Retries until `act` succeeds; `undefined` if the signal aborts before. */
  async #untilDone<T>(act: () => Promise<T>): Promise<T | undefined> {
    while (!this.#signal.aborted) {
      try {
        return await act();
      } catch {
        // Redis, NATS or storage does not answer: count it, and retry until it does.
        this.#world.count("retried", 1);
        await this.#world.clock.sleep(RETRY_MS);
      }
    }
    return undefined;
  }
}
