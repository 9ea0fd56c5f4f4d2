import type { Delivery, EncodedDelivery } from "@jichat/protocol/bus/delivery.ts";
import { encodeDelivery, encodeRound } from "@jichat/protocol/bus/delivery.ts";
import type { Names } from "@jichat/protocol/bus/names.ts";
import { Rounds } from "@jichat/runtime/rounds.ts";
import type { NatsConnection } from "@nats-io/transport-node";
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

/** Sends deliveries to connectors. Deliveries of all partitions for one connector share one message. */
export class Courier implements Deliverer {
  readonly #nats: NatsConnection;
  readonly #names: Names;
  readonly #level: () => number;
  readonly #rounds = new Map<string, Rounds<Parcel, void>>();

  /** `level` returns the cluster's level, which sets the form of deliveries. */
  constructor(nats: NatsConnection, names: Names, level: () => number) {
    this.#nats = nats;
    this.#names = names;
    this.#level = level;
  }

  async deliver(connector: string, delivery: Delivery, timeoutMs: number): Promise<void> {
    const deadline = performance.now() + timeoutMs;
    return this.#roundsTo(connector).submit({ encoded: encodeDelivery(delivery, this.#level()), deadline });
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
      ROUNDS_IN_FLIGHT_MAX,
    );
    this.#rounds.set(connector, made);
    return made;
  }

  async #carry(connector: string, parcels: readonly Parcel[]): Promise<void> {
    const deadline = Math.min(...parcels.map((parcel) => parcel.deadline));
    const timeout = Math.max(LEAST_TIMEOUT_MS, deadline - performance.now());
    const round = encodeRound(parcels.map(({ encoded }) => encoded));
    await this.#nats.request(this.#names.deliver(connector), round, { timeout });
  }
}
