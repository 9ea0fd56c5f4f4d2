import type { Clock } from "@jichat/protocol/clock.ts";
import type { Delivery } from "@jichat/protocol/bus/delivery.ts";
import type { EffectUnit } from "./effect-unit.ts";
import { merge, usersOf } from "./effect-unit.ts";
import type { Outgoing, Parcel } from "./parcels.ts";
import { gapsInPlaceOf, parcelsOf } from "./parcels.ts";
import { spread } from "./spread.ts";
import type { Deliverer, PushQueue, Sessions } from "./ports.ts";

const DELIVER_TIMEOUT_MS = 2_000;
const RETRY_MS = 100;

export interface EffectsWorld {
  readonly partition: number;
  readonly sessions: Sessions;
  readonly deliverer: Deliverer;
  readonly push: PushQueue;
  readonly clock: Clock;
  readonly count: (what: "delivered" | "gap" | "folded" | "retried" | "missed", by: number) => void;
}

/**
 * A unit whose recipients must be asked of storage first: a new owner redoing the effects of a cold
 * conversation.
 */
export type Unresolved = (signal: AbortSignal) => Promise<EffectUnit>;

/**
 * One partition's effects, in order, beside its appends. What waits is merged; past a bound it folds into
 * gaps.
 */
export class Effects {
  readonly #world: EffectsWorld;
  readonly #signal: AbortSignal;
  #waiting: EffectUnit | undefined;
  #unresolved: Unresolved | undefined;
  #wake: () => void = () => {};
  #done: number;
  #busy = false;

  constructor(world: EffectsWorld, done: number, signal: AbortSignal) {
    this.#world = world;
    this.#done = done;
    this.#signal = signal;
  }

  /** Every effect of every batch up to here is done. */
  get done(): number {
    return this.#done;
  }

  get backlog(): number {
    return (this.#waiting?.events.length ?? 0) + (this.#busy ? 1 : 0);
  }

  get idle(): boolean {
    return this.#waiting === undefined && this.#unresolved === undefined && !this.#busy;
  }

  add(unit: EffectUnit): void {
    if (this.#waiting === undefined) this.#waiting = unit;
    else {
      merge(this.#waiting, unit);
      if (this.#waiting.gaps.size > 0) this.#world.count("folded", 1);
    }
    this.#wake();
  }

  /** To be done before anything else; set once, before `run`. */
  redo(unresolved: Unresolved): void {
    this.#unresolved = unresolved;
  }

  /** Works until the signal aborts. A unit is retried until it is done: skipping one would lose messages. */
  async run(): Promise<void> {
    this.#signal.addEventListener(
      "abort",
      () => {
        this.#wake();
      },
      { once: true },
    );
    while (!this.#signal.aborted) {
      const unit = this.#waiting;
      if (this.#unresolved === undefined && unit === undefined) {
        const { promise, resolve } = Promise.withResolvers<void>();
        this.#wake = resolve;
        await promise;
        continue;
      }
      this.#busy = true;
      const redone = this.#unresolved;
      if (redone === undefined) this.#waiting = undefined;
      await this.#untilDone(redone ?? (async () => unit ?? Promise.reject(new Error("no unit"))));
      if (redone !== undefined) this.#unresolved = undefined;
      this.#busy = false;
    }
  }

  async #untilDone(resolve: Unresolved): Promise<void> {
    while (!this.#signal.aborted) {
      try {
        const unit = await resolve(this.#signal);
        await this.#perform(unit);
        this.#done = Math.max(this.#done, unit.position);
        return;
      } catch {
        // Redis, NATS or storage is away: counted, and tried again until it is back.
        this.#world.count("retried", 1);
        await this.#world.clock.sleep(RETRY_MS);
      }
    }
  }

  async #perform(unit: EffectUnit): Promise<void> {
    const { sessions, partition } = this.#world;
    // A republish that waited here was made before the unit in front of it was done: it must not tell an
    // older position.
    const position = Math.max(unit.position, this.#done);
    const online = await sessions.publish({
      partition,
      position,
      heads: [...unit.heads.values()],
      entries: [...unit.entries.values()],
      users: usersOf(unit),
    });
    const { outgoing, missed } = spread(unit, online);
    await Promise.all(
      [...outgoing].map(([connector, out]) => this.#deliverAll(connector, unit.position, out)),
    );
    if (missed.length > 0 && sessions.settled()) {
      await this.#world.push.add(partition, unit.position, missed);
      this.#world.count("missed", missed.length);
    }
  }

  async #deliverAll(connector: string, position: number, out: Outgoing): Promise<void> {
    for (const parcel of parcelsOf(position, out)) await this.#deliver(connector, parcel);
  }

  /** Done when the connector has it, or a gap in its place, or is gone for good: its key has lapsed. */
  async #deliver(connector: string, parcel: Parcel): Promise<void> {
    const { deliverer, sessions, clock, partition } = this.#world;
    const { position, isRest } = parcel;
    let delivery: Delivery = { partition, ...parcel };
    for (let tries = 0; !this.#signal.aborted; tries += 1) {
      try {
        await deliverer.deliver(connector, delivery, DELIVER_TIMEOUT_MS);
        this.#world.count(tries === 0 ? "delivered" : "gap", delivery.events.length + delivery.gaps.length);
        return;
      } catch {
        this.#world.count("retried", 1);
        if (!(await sessions.isAlive(connector))) return;
        if (tries === 0)
          delivery = { partition, position, events: [], marks: [], gaps: gapsInPlaceOf(parcel), isRest };
        await clock.sleep(RETRY_MS);
      }
    }
  }
}
