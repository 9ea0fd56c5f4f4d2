import type { Delivery } from "@jichat/protocol/bus/delivery.ts";
import type { EffectUnit } from "./effect-unit.ts";
import type { ConnectorUnit, Parcel } from "./parcels.ts";
import { gapsInPlaceOf, parcelsOf } from "./parcels.ts";
import type { EffectsWorld } from "./ports.ts";
import { Publication } from "./publication.ts";
import { pushEntriesOf } from "./push-entries.ts";
import type { PushText } from "./push-texts.ts";
import { spread } from "./spread.ts";

const DELIVER_TIMEOUT_MS = 2_000;
const RETRY_MS = 100;

/**
 * Carries out one unit's effects: to Redis and to connectors. After an error it continues where it stopped.
 * What it has for the push queue is in `pushes` then.
 */
export class UnitWork {
  readonly #world: EffectsWorld;
  readonly #unit: EffectUnit;
  readonly #signal: AbortSignal;
  readonly #publication: Publication;
  /** Monotonic time at which the unit was taken; nothing is added to it later. */
  readonly #takenAt: number;
  #outgoing: Map<string, ConnectorUnit> | undefined;
  #pushes: readonly PushText[] = [];

  /** Effects up to `position` are done once this unit is. */
  constructor(world: EffectsWorld, unit: EffectUnit, position: number, signal: AbortSignal) {
    this.#world = world;
    this.#unit = unit;
    this.#takenAt = world.clock.monotonic();
    this.#signal = signal;
    this.#publication = new Publication(world.partition, position, unit, world.scriptCostMax);
  }

  /** Entries for the push queue. Known once `goOn` has resolved. */
  get pushes(): readonly PushText[] {
    return this.#pushes;
  }

  /** Resolves with true once everything is done. Rejects at the first failure; call it again to continue. */
  async goOn(): Promise<true> {
    if (this.#unit.isLost) await this.#world.sessions.giveUp(this.#takenAt);
    await this.#publish();
    const outgoing = (this.#outgoing ??= this.#spread());
    const deliveries = [...outgoing].map(async ([connector, out]) => {
      await this.#deliverAll(connector, out);
      outgoing.delete(connector);
    });
    for (const settled of await Promise.allSettled(deliveries))
      if (settled.status === "rejected") throw settled.reason;
    return true;
  }

  /** Done once: what was taken from the limit of a sender must not be taken again. */
  #spread(): Map<string, ConnectorUnit> {
    const { online, candidates } = this.#publication;
    const entries = pushEntriesOf(this.#unit, candidates);
    if (entries.length > 0) this.#pushes = this.#world.push.take(this.#world.partition, entries);
    return spread(this.#unit, online);
  }

  async #publish(): Promise<void> {
    const { sessions } = this.#world;
    for (let part = this.#publication.next(); part !== undefined; part = this.#publication.next())
      this.#publication.written(part, await sessions.publish(part));
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
