import type { Delivery } from "@jichat/protocol/bus/delivery.ts";
import type { EffectUnit } from "./effect-unit.ts";
import type { ConnectorUnit, Parcel } from "./parcels.ts";
import { gapsInPlaceOf, parcelsOf } from "./parcels.ts";
import type { EffectsWorld } from "./ports.ts";
import type { MissedEntry } from "@jichat/protocol/bus/push.ts";
import { Publication } from "./publication.ts";
import { spread } from "./spread.ts";

const DELIVER_TIMEOUT_MS = 2_000;
const RETRY_MS = 100;

/**
 * Carries out one unit's effects: to Redis, to connectors, to the push queue. After an error it continues
 * where it stopped.
 */
export class UnitWork {
  readonly #world: EffectsWorld;
  readonly #unit: EffectUnit;
  readonly #signal: AbortSignal;
  readonly #publication: Publication;
  /** Monotonic time at which the unit was taken; nothing is added to it later. */
  readonly #takenAt: number;
  #outgoing: Map<string, ConnectorUnit> | undefined;
  #missed: readonly MissedEntry[] = [];

  /** Effects up to `position` are done once this unit is. */
  constructor(world: EffectsWorld, unit: EffectUnit, position: number, signal: AbortSignal) {
    this.#world = world;
    this.#unit = unit;
    this.#takenAt = world.clock.monotonic();
    this.#signal = signal;
    this.#publication = new Publication(world.partition, position, unit, world.scriptCostMax);
  }

  /** Resolves with true once everything is done. Rejects at the first failure; call it again to continue. */
  async goOn(): Promise<true> {
    if (this.#unit.isLost) await this.#world.sessions.giveUp(this.#takenAt);
    await this.#publish();
    if (this.#outgoing === undefined) {
      const { outgoing, missed } = spread(this.#unit, this.#publication.online);
      this.#outgoing = outgoing;
      this.#missed = missed;
    }
    const outgoing = this.#outgoing;
    const deliveries = [...outgoing].map(async ([connector, out]) => {
      await this.#deliverAll(connector, out);
      outgoing.delete(connector);
    });
    for (const settled of await Promise.allSettled(deliveries))
      if (settled.status === "rejected") throw settled.reason;
    await this.#push();
    return true;
  }

  async #publish(): Promise<void> {
    const { sessions } = this.#world;
    for (let part = this.#publication.next(); part !== undefined; part = this.#publication.next())
      this.#publication.written(part, await sessions.publish(part));
  }

  async #push(): Promise<void> {
    const { sessions, push, partition, count } = this.#world;
    if (this.#missed.length === 0 || !sessions.settled()) return;
    await push.add(partition, this.#unit.position, this.#missed);
    count("missed", this.#missed.length);
  }

  async #deliverAll(connector: string, out: ConnectorUnit): Promise<void> {
    for (const parcel of parcelsOf(this.#unit.position, out)) await this.#deliver(connector, parcel);
  }

  /**
   * Done when the connector has accepted the parcel or a gap in its place, or is gone for good (its key has
   * expired).
   */
  async #deliver(connector: string, parcel: Parcel): Promise<void> {
    const { deliverer, sessions, clock, partition } = this.#world;
    const { position, notices, isRest } = parcel;
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
          delivery = { partition, position, events: [], notices, gaps: gapsInPlaceOf(parcel), isRest };
        await clock.sleep(RETRY_MS);
      }
    }
    this.#signal.throwIfAborted(); // Not delivered: a successor does it again.
  }
}
