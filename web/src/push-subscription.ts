import { pushOffer, registerPush } from "@jichat/client/push.ts";
import { showBadge } from "./badge.ts";
import type { KeptPush } from "./kept-push.ts";
import { forgetPush, keepPush, keptPush } from "./kept-push.ts";
import type { Session } from "./rest.ts";

/**
 * What the page and the service worker do with the browser's subscription. All of it runs under one lock of
 * the origin, so that a tab that mends the subscription never brings back what another one has just ended.
 */
const LOCK = "jichat-push";

/** Runs `act` when no tab, nor the worker, is at the subscription. */
export const alone = async <T>(act: () => Promise<T>): Promise<T> => navigator.locks.request(LOCK, act);

function base64url(bytes: ArrayBuffer): string {
  const text = btoa(String.fromCharCode(...new Uint8Array(bytes)));
  return text.replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

type Proof = Pick<Session, "token">;

/**
 * The key that browsers subscribe with, base64url; undefined if the cluster sends no push to browsers.
 * Rejects with RestError.
 */
export async function offeredKey(session: Proof): Promise<string | undefined> {
  const { kinds, vapidPublicKey } = await pushOffer(session);
  return kinds.includes("webpush") ? vapidPublicKey : undefined;
}

/** The subscription with this key. One with another key is of no use: its pushes are refused. */
async function subscriptionWith(manager: PushManager, key: string): Promise<PushSubscription> {
  const earlier = await manager.getSubscription();
  const earlierKey = earlier?.options.applicationServerKey ?? undefined;
  if (earlier !== null && earlierKey !== undefined && base64url(earlierKey) === key) return earlier;
  await earlier?.unsubscribe();
  return manager.subscribe({ userVisibleOnly: true, applicationServerKey: key });
}

/**
 * Subscribes if need be, and registers the subscription. If the cluster offers no push to browsers, what is
 * kept stays without an endpoint, for the day that it does again.
 */
export async function register(
  worker: ServiceWorkerRegistration,
  wish: KeptPush,
  session: Proof,
): Promise<void> {
  const key = await offeredKey(session);
  if (key === undefined) {
    await keepPush({ ...wish, endpoint: undefined });
    return;
  }
  const subscription = await subscriptionWith(worker.pushManager, key);
  const { endpoint } = subscription;
  // From here on pushes may come, and the worker shows only those of whom it knows.
  await keepPush({ ...wish, endpoint: wish.endpoint === endpoint ? endpoint : undefined });
  const { device, locale, preview } = wish;
  await registerPush(session, device, { kind: "webpush", subscription, locale, preview });
  await keepPush({ ...wish, endpoint });
}

/** Ends push in this browser, and takes away what it shows. The server learns of it at its next push. */
export async function end(worker: ServiceWorkerRegistration): Promise<void> {
  await forgetPush();
  for (const notification of await worker.getNotifications()) notification.close();
  await showBadge(0);
  const subscription = await worker.pushManager.getSubscription();
  await subscription?.unsubscribe();
}

/**
 * Registers again at each start: the browser may have replaced the subscription, the cluster its key, and the
 * sign-in its token. Ends push if somebody else is signed in now, or the browser allows no notifications any
 * more.
 */
export async function mend(
  worker: ServiceWorkerRegistration,
  session: Session,
  locale?: string,
): Promise<void> {
  const kept = await keptPush();
  if (kept === undefined) return;
  if (kept.user !== session.user || Notification.permission !== "granted") await end(worker);
  else await register(worker, { ...kept, ...(locale === undefined ? {} : { locale }) }, session);
}
