import { showBadge } from "./badge.ts";
import type { KeptPush } from "./kept-push.ts";
import { keptPush } from "./kept-push.ts";
import { restoreSession } from "./page-rest.ts";
import { alone, end, mend } from "./push-subscription.ts";
import type { NotificationData, PushedNotification, PushedWithdrawal } from "./pushed.ts";
import { readNotificationData, readPushed } from "./pushed.ts";
import { hashOf } from "./route.ts";
import { allTabs, ask } from "./tabs.ts";
import { PAGE, scope } from "./worker-scope.ts";

/**
 * What the service worker does with pushes. Browsers demand that each push shows something to the user, and
 * otherwise show a text of their own, or end the subscription after some. So a push shows its notification,
 * or leaves one in place, or comes while a tab is on the screen. Only a withdrawal that closes the last
 * notification shows nothing: that is within what browsers forgive (docs/push.md).
 */

/** Safari forgives nothing: whatever comes has to be shown, if only for a moment. */
const isStrict = /AppleWebKit/.test(navigator.userAgent) && !/Chrome/.test(navigator.userAgent);

/** How long a tab may take to say what it shows, and to put the subscription in order. */
const [SHOWS_MS, MEND_MS] = [500, 10_000];

const ICONS = { icon: "/icon-192.png", badge: "/badge-96.png" };

/** Options that browsers have and the types of TypeScript lack. */
type Options = NotificationOptions & { readonly renotify?: boolean };

let before: Promise<unknown> = Promise.resolve();

/**
 * Called with the text of each push. They are taken one after the other, since each looks at what is shown.
 * Of two at once, the older one could take the place of the newer one; and a browser that is asked what is
 * shown while it shows something takes that for closed.
 */
export async function takePush(text: string): Promise<void> {
  const turn = before.then(async () => take(text));
  before = turn.catch(() => undefined); // Who called hears of it.
  await turn;
}

async function take(text: string): Promise<void> {
  const kept = await keptPush();
  if (kept === undefined) return nobodyHere();
  const pushed = readPushed(text);
  if (pushed === undefined) return showUnreadable(kept);
  if (pushed.badge !== undefined) await showBadge(pushed.badge);
  await (pushed.is === "withdrawal" ? withdraw(pushed) : show(pushed, kept));
}

/** Somebody signed out while the browser could not end the subscription: nothing of theirs is shown. */
async function nobodyHere(): Promise<void> {
  await alone(async () => {
    if ((await keptPush()) === undefined) await end(scope.registration);
  });
}

/** A push of a version that this worker does not know. The page's next start brings the worker's next one. */
async function showUnreadable({ locale }: KeptPush): Promise<void> {
  await scope.registration.showNotification("JiChat", {
    ...ICONS,
    body: locale.startsWith("zh") ? "有新消息" : "There is something new",
    tag: "jichat",
    silent: true,
  });
}

/** Push services may change the order: what is older than what is shown does not take its place. */
async function show(pushed: PushedNotification, { locale }: KeptPush): Promise<void> {
  const { conversation, seq, tag, title, text, hasSound } = pushed;
  const shown = await scope.registration.getNotifications({ tag });
  if (shown.some(({ data }) => (readNotificationData(data)?.seq ?? 0) > seq)) return;
  if (await isSeen(conversation)) return;
  const options: Options = {
    ...ICONS,
    body: text,
    tag,
    lang: locale,
    dir: "auto",
    // It takes the place of the one before without a sign, unless it is to be heard.
    renotify: hasSound,
    silent: !hasSound,
    data: { conversation, seq, hash: hashOf(conversation, seq) } satisfies NotificationData,
  };
  await scope.registration.showNotification(title, options);
}

/** Whether somebody looks at the conversation now. */
async function isSeen(conversation: string): Promise<boolean> {
  const looking = (await allTabs()).filter((tab) => tab.focused && tab.visibilityState === "visible");
  const answers = await Promise.all(
    looking.map(async (tab) => ask(tab, { t: "shows", conversation }, SHOWS_MS)),
  );
  return answers.includes(true);
}

async function withdraw({ conversation, seq, tag }: PushedWithdrawal): Promise<void> {
  const { registration } = scope;
  for (const notification of await registration.getNotifications()) {
    const data = readNotificationData(notification.data);
    if (data?.conversation !== conversation || (data.seq ?? 0) > seq) continue;
    if (isStrict) await registration.showNotification(notification.title, { tag, silent: true, data });
    notification.close();
  }
  if (isStrict) for (const again of await registration.getNotifications({ tag })) again.close();
}

/** Shows the conversation of a notification, in a tab that is open or in a new one. */
export async function openClicked(notification: Notification): Promise<void> {
  notification.close();
  const hash = readNotificationData(notification.data)?.hash ?? "#/";
  const tabs = await allTabs();
  const tab =
    tabs.find(({ focused }) => focused) ??
    tabs.find(({ visibilityState }) => visibilityState === "visible") ??
    tabs[0];
  if (tab === undefined) {
    await scope.clients.openWindow(PAGE + hash);
    return;
  }
  tab.postMessage({ t: "open", hash });
  await tab.focus();
}

/**
 * The browser has replaced or dropped the subscription. An open tab registers it anew. Without one, the
 * worker asks for the token that the browser keeps in its cookie, as a page does at its start: it has it in
 * memory only. If that fails, the next start of the page mends it.
 */
export async function mendSubscription(): Promise<void> {
  for (const tab of await allTabs()) if (await ask(tab, { t: "mend" }, MEND_MS)) return;
  const session = await restoreSession();
  if (session !== undefined) await alone(async () => mend(scope.registration, session));
}
