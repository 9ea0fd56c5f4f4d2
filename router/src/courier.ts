import type { Delivery, EncodedDelivery } from "@jichat/protocol/bus/delivery.ts";
import { encodeDelivery, encodeRound } from "@jichat/protocol/bus/delivery.ts";
import type { Names } from "@jichat/protocol/bus/names.ts";
import type { Clock } from "@jichat/protocol/clock.ts";
import type { Bus } from "@jichat/runtime/bus.ts";
import { Rounds } from "@jichat/runtime/rounds.ts";
import type { Deliverer } from "./ports.ts";

/**
 * Most characters of one round. In UTF-8 they are at most 768 KB, which is below the server's limit of 1 MB.
 */
const ROUND_LENGTH_MAX = 262_144;
/**
 * Rounds to one connector under way at once, so that partitions need not wait for each other's round trip.
 */
const ROUNDS_IN_FLIGHT_MAX = 4;
/** Least time for a round, even if it had to wait for one that failed. */
const LEAST_TIMEOUT_MS = 500;
/** Most connectors in the map. Beyond it, idle ones are removed. */
const CONNECTORS_MAX = 1_000;

interface Parcel {
  readonly encoded: EncodedDelivery;
  readonly deadline: number;
}

interface CourierParts {
  readonly bus: Pick<Bus, "request">;
  readonly names: Pick<Names, "deliver">;
  readonly clock: Pick<Clock, "monotonic">;
  /** The cluster's level, which sets the form of deliveries. */
  readonly clusterLevel: () => number;
}

/** Sends deliveries to connectors. Deliveries of all partitions for one connector share one message. */
export class Courier implements Deliverer {
  readonly #parts: CourierParts;
  readonly #rounds = new Map<string, Rounds<Parcel, void>>();

  constructor(parts: CourierParts) {
    this.#parts = parts;
  }

  async deliver(connector: string, delivery: Delivery, timeoutMs: number): Promise<void> {
    const { clock, clusterLevel } = this.#parts;
    const deadline = clock.monotonic() + timeoutMs;
    return this.#roundsTo(connector).submit({ encoded: encodeDelivery(delivery, clusterLevel()), deadline });
  }

  #roundsTo(connector: string): Rounds<Parcel, void> {
    const known = this.#rounds.get(connector);
    if (known !== undefined) return known;
    if (this.#rounds.size >= CONNECTORS_MAX) {
      for (const [name, rounds] of this.#rounds) if (rounds.isIdle) this.#rounds.delete(name);
    }
    const made = new Rounds<Parcel, void>(
      async (parcels) => this.#carry(connector, parcels),
      ({ encoded }) => encoded.head.length + encoded.frames.length,
      ROUND_LENGTH_MAX,
      { inFlightMax: ROUNDS_IN_FLIGHT_MAX },
    );
    this.#rounds.set(connector, made);
    return made;
  }

  async #carry(connector: string, parcels: readonly Parcel[]): Promise<void> {
    const deadline = Math.min(...parcels.map((parcel) => parcel.deadline));
    const { bus, names, clock } = this.#parts;
    const timeoutMs = Math.max(LEAST_TIMEOUT_MS, deadline - clock.monotonic());
    const round = encodeRound(parcels.map(({ encoded }) => encoded));
    await bus.request(names.deliver(connector), round, timeoutMs);
  }
}
