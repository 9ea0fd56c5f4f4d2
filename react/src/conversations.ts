import { useSyncExternalStore } from "react";
import type { Body, ChatStatus, ConversationList, ConversationView, Live, Profile } from "@jichat/client";
import { subscribeToNothing, useLive } from "./live.ts";
import { useChat } from "./provider.ts";

const CONNECTING: ChatStatus = { state: "connecting" };
const NO_CONVERSATIONS: ConversationList<never> = { conversations: [], unread: 0, isComplete: false };

/** The state of the connection, with the reason and the time of the next try if it is lost. */
export function useConnection(): ChatStatus {
  return useLive(useChat()?.status, CONNECTING);
}

/** The user's conversations, most recently active first. */
export function useConversations<B extends object = Body>(): ConversationList<B> {
  return useLive<ConversationList<B>>(useChat<B>()?.conversations, NO_CONVERSATIONS);
}

/** One conversation as the list shows it; `undefined` while it is not known. */
export function useConversation<B extends object = Body>(id: string): ConversationView<B> | undefined {
  return useLive(useChat<B>()?.conversation(id), undefined);
}

/** Unread messages of one conversation, or of all. The component renders again when the number changes. */
export function useUnread(conversation?: string): number {
  const chat = useChat();
  const live: Live<{ readonly unread: number } | undefined> | undefined =
    conversation === undefined ? chat?.conversations : chat?.conversation(conversation);
  return useSyncExternalStore(
    live?.subscribe ?? subscribeToNothing,
    () => live?.get()?.unread ?? 0,
    () => 0,
  );
}

/** A user, and the name that they go by, looked up once. `name` is absent until then. */
export function useProfile(user: string): Profile {
  return useLive(useChat()?.profile(user), { user });
}
