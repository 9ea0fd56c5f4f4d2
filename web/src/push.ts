import { useEffect } from "preact/hooks";
import { removePush } from "@jichat/client/push.ts";
import type { Preview } from "@jichat/protocol/bus/push-registration.ts";
import { randomName } from "./device.ts";
import { onLanguage, readersLocale } from "./i18n.ts";
import { keepPush, keptPush } from "./kept-push.ts";
import { alone, end, mend, offeredKey, register } from "./push-subscription.ts";
import type { Session } from "./rest.ts";
import { onSaid } from "./start-service-worker.ts";

/** Whether this browser is told of messages while the page is closed. */
export type PushState =
  /** The browser cannot, or the page came over plain HTTP. */
  | { readonly is: "unsupported" }
  /** The cluster sends no push to browsers. */
  | { readonly is: "unoffered" }
  /** The reader has told the browser to show no notifications of this page. */
  | { readonly is: "denied" }
  | { readonly is: "off" }
  | { readonly is: "on"; readonly preview: Preview };

const WORKER_MS = 10_000;

export const hasPush = (): boolean =>
  isSecureContext &&
  "serviceWorker" in navigator &&
  "PushManager" in globalThis &&
  "Notification" in globalThis;

/** Rejects if the service worker does not start. */
async function workerOf(): Promise<ServiceWorkerRegistration> {
  const { promise, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => {
    reject(new Error("the service worker of this page does not start"));
  }, WORKER_MS);
  try {
    return await Promise.race([navigator.serviceWorker.ready, promise]);
  } finally {
    clearTimeout(timer);
  }
}

/** Rejects with RestError if the cluster cannot be asked. */
export async function pushState(session: Session): Promise<PushState> {
  if (!hasPush()) return { is: "unsupported" };
  if ((await offeredKey(session)) === undefined) return { is: "unoffered" };
  if (Notification.permission === "denied") return { is: "denied" };
  const kept = await keptPush();
  const isOn =
    kept?.user === session.user && kept.endpoint !== undefined && Notification.permission === "granted";
  return isOn ? { is: "on", preview: kept.preview } : { is: "off" };
}

/** Whether pushes come to this browser, so that no tab need notify. */
export const isPushed = async (): Promise<boolean> =>
  hasPush() && Notification.permission === "granted" && (await keptPush())?.endpoint !== undefined;

/**
 * Turns push on, or changes its preview. Asks the reader for permission if need be, so call it from a click.
 * Rejects if the browser gives no subscription, or the cluster does not take it: then push is off.
 */
export async function turnOn(session: Session, preview: Preview): Promise<PushState> {
  if ((await Notification.requestPermission()) === "granted") {
    const { user } = session;
    const worker = await workerOf();
    await alone(async () => {
      const kept = await keptPush();
      const own = kept?.user === user ? kept : { user, device: `push-${randomName()}` };
      try {
        await register(worker, { ...own, preview, locale: readersLocale() }, session);
      } catch (error) {
        await (kept?.endpoint === undefined ? end(worker) : keepPush(kept));
        throw error;
      }
    });
  }
  return pushState(session);
}

/** Turns push off in this browser, also when the cluster cannot be reached. */
export async function turnOff(session: Session): Promise<PushState> {
  const worker = await workerOf();
  await alone(async () => {
    const kept = await keptPush();
    await end(worker);
    if (kept === undefined) return;
    await removePush(session, kept.device).catch((error: unknown) => {
      console.warn("the server learns at its next push that this browser takes none", error);
    });
  });
  return { is: "off" };
}

/**
 * Keeps this browser's push in step with who is signed in. `session` is undefined while that is not known,
 * and null if nobody is: then push ends here. The server is told of another language at once.
 */
export function usePush(session: Session | null | undefined): void {
  useEffect(() => {
    if (session === undefined || !hasPush()) return undefined;
    const act = async (): Promise<void> => {
      if ((await keptPush()) === undefined) return;
      const worker = await workerOf();
      await alone(async () => (session === null ? end(worker) : mend(worker, session, readersLocale())));
    };
    const tryIt = async (): Promise<boolean> => {
      try {
        await act();
        return true;
      } catch (error) {
        console.warn("the next start of the page puts push in order", error);
        return false;
      }
    };
    void tryIt();
    if (session === null) return undefined;
    const stops = [onSaid("mend", tryIt), onLanguage(() => void tryIt())];
    return () => {
      for (const stop of stops) stop();
    };
  }, [session]);
}
