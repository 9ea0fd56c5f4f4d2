import type { PushKind } from "@jichat/protocol/bus/push-registration.ts";
import { callRest } from "@jichat/client/rest.ts";
import type { KeptPush } from "./kept-push.ts";

/** Calls of the REST interface about push. All reject with RestError. */

const pathOf = (device: string): string => `/v1/me/devices/${device}/push`;

interface Offer {
  readonly kinds: readonly PushKind[];
  readonly vapidPublicKey?: string;
}

/** The key that browsers subscribe with, base64url; undefined if the cluster sends no push to browsers. */
export async function offeredKey(token: string): Promise<string | undefined> {
  const { kinds, vapidPublicKey } = await callRest<Offer>("GET", "/v1/push", { token });
  return kinds.includes("webpush") ? vapidPublicKey : undefined;
}

export async function registerPush(
  token: string,
  { device, locale, preview }: KeptPush,
  subscription: PushSubscription,
): Promise<void> {
  const wish = { kind: "webpush", subscription: subscription.toJSON(), locale, preview };
  await callRest("PUT", pathOf(device), { token, body: wish });
}

export async function removePush(token: string, device: string): Promise<void> {
  await callRest("DELETE", pathOf(device), { token });
}
