import { createContext, createElement, useContext } from "react";
import type { ReactElement, ReactNode } from "react";
import { ChatError } from "@jichat/client";
import type { Body, Chat } from "@jichat/client";

/** `null` is that there is no provider, `undefined` that its chat is not open yet. */
const ChatContext = createContext<AnyChat | null | undefined>(null);

/** A chat with bodies of any type: `useChat` and the other hooks are told which. */
export type AnyChat = Pick<Chat, "user" | "status" | "close" | "forget">;

export interface ChatProviderProps {
  /** What `openChat` resolved with. `undefined` until then, and on a server. */
  readonly chat: AnyChat | undefined;
  readonly children?: ReactNode;
}

/**
 * Gives the hooks below it their chat. Whoever opened the chat closes it: a provider that unmounts, as
 * StrictMode does, leaves it open.
 */
export function ChatProvider({ chat, children }: ChatProviderProps): ReactElement {
  return createElement(ChatContext.Provider, { value: chat }, children);
}

/**
 * The chat of the nearest provider, and `undefined` while that has none. `B` is the type of its bodies: it is
 * the one that `openChat` was called with. Throws INVALID without a provider.
 */
export function useChat<B extends object = Body>(): Chat<B> | undefined {
  const chat = useContext(ChatContext);
  if (chat === null)
    throw new ChatError("INVALID", "the hooks of @jichat/react need a <ChatProvider> above their component");
  return chat as Chat<B> | undefined;
}
