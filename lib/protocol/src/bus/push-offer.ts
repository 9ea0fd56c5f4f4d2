import type { PushKind } from "./push-registration.ts";
import { decodeInner } from "./wire.ts";

/** What the push workers of a cluster can send by: the entry `push` of the settings bucket. */
export interface PushOffer {
  readonly v: 1;
  readonly kinds: readonly PushKind[];
  /** The key that browsers subscribe with, base64url. Set if `kinds` has `webpush`. */
  readonly vapidPublicKey?: string | undefined;
}

export const PUSH_OFFER_KEY = "push";

export const pushOfferText = (offer: Omit<PushOffer, "v">): string => JSON.stringify({ v: 1, ...offer });
export const readPushOffer = (text: string): PushOffer => decodeInner<PushOffer>(text, "what push offers");
