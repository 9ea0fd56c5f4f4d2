import type { JetStreamManager } from "@nats-io/jetstream";
import type { Names } from "@jichat/protocol/bus/names.ts";
import { PUSH_OFFER_KEY, pushOfferText } from "@jichat/protocol/bus/push-offer.ts";

const NONE = pushOfferText({ kinds: [] });

/**
 * Takes back what workers said that the cluster can push by, once there are none: devices would go on
 * registering, and nobody would tell them anything.
 */
export async function withdrawPushOffer(
  jsm: Pick<JetStreamManager, "streams" | "jetstream">,
  { settings }: Pick<Names, "settings">,
): Promise<void> {
  const subject = `$KV.${settings}.${PUSH_OFFER_KEY}`;
  const said = await jsm.streams.getMessage(`KV_${settings}`, { last_by_subj: subject });
  if (said === null || said.string() === NONE) return;
  await jsm.jetstream().publish(subject, NONE);
}
