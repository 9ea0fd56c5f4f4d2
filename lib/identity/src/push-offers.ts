import type { NatsConnection } from "@nats-io/transport-node";
import type { Names } from "@jichat/protocol/bus/names.ts";
import type { PushOffer } from "@jichat/protocol/bus/push-offer.ts";
import { PUSH_OFFER_KEY, readPushOffer } from "@jichat/protocol/bus/push-offer.ts";
import { ChatError } from "@jichat/protocol/errors.ts";
import { Bucket } from "@jichat/runtime/bucket.ts";

const NOTHING: PushOffer = { v: 1, kinds: [] };

/** What the push workers of the cluster can send by, as they wrote it last. */
export class PushOffers {
  readonly #bucket: Bucket;

  private constructor(bucket: Bucket) {
    this.#bucket = bucket;
  }

  static async open(nats: NatsConnection, names: Names): Promise<PushOffers> {
    return new PushOffers(await Bucket.open(nats, names.settings));
  }

  /** No kinds if there has never been a push worker. Throws UNAVAILABLE if the KV does not answer. */
  async read(): Promise<PushOffer> {
    const entry = await this.#bucket.kv.get(PUSH_OFFER_KEY).catch((cause: unknown) => {
      throw new ChatError("UNAVAILABLE", "what this cluster offers for push cannot be read", {
        cause,
        retryAfterMs: 1_000,
      });
    });
    return entry === null || entry.operation !== "PUT" ? NOTHING : readPushOffer(entry.string());
  }
}
