import type { Preview, PushKind, QuietHours } from "@jichat/protocol/bus/push-registration.ts";
import type { Api, Session } from "./account.ts";
import { callRest } from "./rest.ts";

export type { Preview, PushKind, QuietHours };

/** A browser's `PushSubscription` as JSON. */
interface SubscriptionJson {
  readonly endpoint?: string;
  readonly keys?: Readonly<Record<string, string>>;
}
/** A browser's `PushSubscription`, or what `JSON.stringify` made of one. */
export type WebPushSubscription = SubscriptionJson | { toJSON(): SubscriptionJson };

/** How a device wants to be told of messages while its user is away. */
export type PushWish = {
  /** The language of notifications, such as `navigator.language`. */
  readonly locale: string;
  /** What a notification shows: that something came, who wrote, or the text too. */
  readonly preview: Preview;
  readonly quiet?: QuietHours;
} & (
  | { readonly kind: "webpush"; readonly subscription: WebPushSubscription }
  /** `token` is the device's, as Firebase, Apple or one's own service gave it. */
  | { readonly kind: Exclude<PushKind, "webpush">; readonly token: string }
);

/** What is registered of a device. The server tells no token and no subscription. */
export interface RegisteredPush {
  readonly device: string;
  readonly kind: PushKind;
  readonly locale: string;
  readonly preview: Preview;
  readonly quiet?: QuietHours;
  /** Milliseconds since 1970, by the server's clock. */
  readonly registeredAt: number;
}

/** What the cluster can send pushes by. */
export interface PushOffer {
  readonly kinds: readonly PushKind[];
  /** The `applicationServerKey` of `pushManager.subscribe`, if `kinds` has `webpush`. */
  readonly vapidPublicKey?: string;
}

type Proof = Pick<Session, "token">;

const pathOf = (device: string): string => `/v1/me/devices/${encodeURIComponent(device)}/push`;
const jsonOf = (subscription: WebPushSubscription): SubscriptionJson =>
  "toJSON" in subscription ? subscription.toJSON() : subscription;

/**
 * Registers a device for pushes, under the name that its client has. Call it at each start: a provider may
 * have replaced the token. What was registered of the device is replaced without a gap. Rejects with
 * FORBIDDEN if the cluster does not offer this kind, and with INVALID, which names the field.
 */
export async function registerPush(
  { token }: Proof,
  device: string,
  wish: PushWish,
  api?: Api,
): Promise<RegisteredPush> {
  const { kind, locale, preview, quiet } = wish;
  const common = { kind, locale, preview, ...(quiet === undefined ? {} : { quiet }) };
  if (wish.kind !== "webpush")
    return callRest("PUT", pathOf(device), { ...api, token, body: { ...common, token: wish.token } });
  const { endpoint, keys } = jsonOf(wish.subscription);
  const body = { ...common, subscription: { endpoint, keys } };
  return callRest("PUT", pathOf(device), { ...api, token, body });
}

/** Ends the pushes of a device. A sign-out ends them too. */
export async function removePush({ token }: Proof, device: string, api?: Api): Promise<void> {
  await callRest("DELETE", pathOf(device), { ...api, token });
}

/** What is registered of a device. Rejects with NOT_FOUND if it receives no pushes. */
export const registeredPush = async ({ token }: Proof, device: string, api?: Api): Promise<RegisteredPush> =>
  callRest("GET", pathOf(device), { ...api, token });

/** What the cluster can send by. `kinds` is empty if it sends no pushes. */
export const pushOffer = async ({ token }: Proof, api?: Api): Promise<PushOffer> =>
  callRest("GET", "/v1/push", { ...api, token });
