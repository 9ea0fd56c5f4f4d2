import { useEffect } from "preact/hooks";
import { isMutedFor } from "@jichat/conversation/muted.ts";
import type { ChatEvent } from "@jichat/protocol/frame/server-frame.ts";
import type { ChatModel } from "./model.ts";
import { shownName } from "./people.ts";
import { isPushed } from "./push.ts";
import type { NotificationData } from "./pushed.ts";
import { readNotificationData } from "./pushed.ts";
import { hashOf } from "./route.ts";
import { sentenceOf } from "./words.ts";

const KEPT = "jichat-notify";
const NAME_MS = 500;

/** What a page over plain HTTP does not have. */
export const hasNotifications = (): boolean => "Notification" in globalThis && isSecureContext;

/** Whether the reader wants them here, and the browser allows them. */
export const isNotifying = (): boolean =>
  hasNotifications() && Notification.permission === "granted" && localStorage.getItem(KEPT) === "yes";

/** Turns them on or off. Asks the reader for permission if need be, and returns whether they are on. */
export async function setNotifying(wanted: boolean): Promise<boolean> {
  localStorage.setItem(KEPT, wanted ? "yes" : "no");
  if (wanted && Notification.permission === "default") await Notification.requestPermission();
  return isNotifying();
}

/**
 * Notifies of messages of others, in conversations that are not muted, while the tab is hidden. With push on
 * the service worker does that.
 */
export function useNotifications(model: ChatModel): void {
  useEffect(() => {
    let isOver = false;
    const follow = async (): Promise<void> => {
      for await (const notice of model.client.events()) {
        if (isOver) return;
        if (notice.t === "event" && isWorthIt(notice.event, model)) await notify(notice.event, model);
      }
    };
    void follow();
    return () => {
      isOver = true;
    };
  }, [model]);
}

function isWorthIt({ kind, from, conversation, mentions }: ChatEvent, model: ChatModel): boolean {
  if (kind !== "message" || from === model.me) return false;
  if (document.visibilityState !== "hidden" || !isNotifying()) return false;
  const settings = { muted: model.conversation(conversation)?.muted };
  return !isMutedFor({ user: model.me, settings }, mentions, model.client.serverTime());
}

/** The name that somebody goes by. It is waited for a moment if it is not known yet. */
async function nameOf(user: string, model: ChatModel): Promise<string> {
  const profile = model.profile(user);
  const { promise, resolve } = Promise.withResolvers<void>();
  const stop = profile.subscribe(resolve);
  const timer = setTimeout(resolve, NAME_MS);
  if (profile.get().name === undefined) await promise;
  clearTimeout(timer);
  stop();
  return shownName(profile.get());
}

async function notify(event: ChatEvent, model: ChatModel): Promise<void> {
  try {
    if (!(await isPushed())) await show(event, model);
  } catch (error) {
    console.warn("the browser shows no notification", error);
  }
}

async function show(event: ChatEvent, model: ChatModel): Promise<void> {
  const { conversation, from } = event;
  const listed = model.conversation(conversation);
  const who = await nameOf(from, model);
  const text = sentenceOf(event, { me: model.me, nameOf: () => who });
  const isGroup = listed?.kind === "group";
  const hash = hashOf(conversation);
  const options = {
    body: isGroup ? `${who}: ${text}` : text,
    icon: "icon-192.png",
    // A later message of the conversation takes the place of this one, also in another tab.
    tag: conversation,
    data: { conversation, hash } satisfies NotificationData,
  };
  const title = isGroup ? listed.name : who;
  // On telephones, only a service worker may notify.
  const worker = await navigator.serviceWorker.getRegistration();
  if (worker?.active) await worker.showNotification(title, options);
  else
    new Notification(title, options).addEventListener("click", () => {
      focus();
      location.hash = hash;
    });
}

/** Takes away the notifications of the conversation that is on the screen. */
export function useSeen(open: string | undefined): void {
  useEffect(() => {
    if (open === undefined || !("serviceWorker" in navigator)) return undefined;
    const close = async (): Promise<void> => {
      if (document.visibilityState !== "visible") return;
      const worker = await navigator.serviceWorker.getRegistration();
      for (const notification of (await worker?.getNotifications()) ?? [])
        if (readNotificationData(notification.data)?.conversation === open) notification.close();
    };
    const look = (): void => {
      close().catch((error: unknown) => {
        console.warn("a notification stays that has been seen", error);
      });
    };
    look();
    document.addEventListener("visibilitychange", look);
    return () => {
      document.removeEventListener("visibilitychange", look);
    };
  }, [open]);
}
