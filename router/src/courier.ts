import type { Delivery, EncodedDelivery } from "@jichat/protocol/bus/delivery.ts";
import { encodeDelivery, encodeRound } from "@jichat/protocol/bus/delivery.ts";
import type { Names } from "@jichat/protocol/bus/names.ts";
import { Rounds } from "@jichat/runtime/rounds.ts";
import type { NatsConnection } from "@nats-io/transport-node";
import type { Deliverer } from "./ports.ts";

/** Characters of one round: in UTF-8 at most three times as many bytes, and below the server's 1 MB. */
const ROUND_LENGTH_MAX = 262_144;
/** Full rounds to one connector at once: partitions do not wait for each other's round trip. */
const ROUNDS_IN_FLIGHT_MAX = 4;
/** A round that waited behind one that failed still has this long. */
const LEAST_TIMEOUT_MS = 500;
/** Connectors remembered; past this, those with nothing under way are forgotten. */
const CONNECTORS_MAX = 1_000;

interface Parcel {
  readonly encoded: EncodedDelivery;
  readonly deadline: number;
}

/** Carries deliveries to connectors: what all partitions have for one connector goes in one message. */
export class Courier implements Deliverer {
  readonly #nats: NatsConnection;
  readonly #names: Names;
  readonly #level: () => number;
  readonly #rounds = new Map<string, Rounds<Parcel, void>>();

  /** `level`: the cluster's, by which deliveries are written. */
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
