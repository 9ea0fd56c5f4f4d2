import type { NatsConnection } from "@nats-io/transport-node";
import type { Names } from "@jichat/protocol/bus/names.ts";
import type { PushOffer } from "@jichat/protocol/bus/push-offer.ts";
import { PUSH_OFFER_KEY, pushOfferText } from "@jichat/protocol/bus/push-offer.ts";
import type { Clock } from "@jichat/protocol/clock.ts";
import { Bucket } from "@jichat/runtime/bucket.ts";
import type { Log } from "./ports.ts";

/** Workers of one cluster read the same credentials: whoever writes last writes the same. */
const EVERY_MS = 60_000;
const RETRY_MS = 1_000;

export interface OfferParts {
  readonly nats: NatsConnection;
  readonly names: Names;
  readonly clock: Pick<Clock, "sleep">;
  readonly log: Log;
  readonly read: () => Omit<PushOffer, "v">;
  readonly signal: AbortSignal;
}

/**
 * Tells the cluster what its workers can send by, and tells it again where another worker told something
 * else. `tell` does so at once. Resolves once the signal aborts.
 */
export function offerTeller({ nats, names, clock, log, read, signal }: OfferParts): {
  readonly run: () => Promise<void>;
  readonly tell: () => void;
} {
  let now = new AbortController();
  const tellOnce = async (bucket: Bucket): Promise<void> => {
    const text = pushOfferText(read());
    const entry = await bucket.kv.get(PUSH_OFFER_KEY);
    if (entry?.operation !== "PUT" || entry.string() !== text) await bucket.kv.put(PUSH_OFFER_KEY, text);
  };
  const run = async (): Promise<void> => {
    const bucket = await Bucket.open(nats, names.settings);
    while (!signal.aborted) {
      let restMs = EVERY_MS;
      try {
        await tellOnce(bucket);
      } catch (error) {
        log.warn({ err: error }, "what push offers cannot be told yet: trying again");
        restMs = RETRY_MS;
      }
      const woken = AbortSignal.any([signal, now.signal]);
      await clock.sleep(restMs, woken).catch(() => undefined); // There is something new to tell, or an end.
      if (now.signal.aborted) now = new AbortController();
    }
  };
  return {
    run,
    tell: () => {
      now.abort(new Error("the offer has changed"));
    },
  };
}
