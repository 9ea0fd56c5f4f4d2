/** React hooks on the SDK. All that they show comes from the chat that `openChat` of `@jichat/client` opened. */
export { useComposer } from "./composer.ts";
export type { Composer, TextBody } from "./composer.ts";
export { useConnection, useConversation, useConversations, useProfile, useUnread } from "./conversations.ts";
export { useLive } from "./live.ts";
export { useMessages } from "./messages.ts";
export type { Messages, ThreadActions } from "./messages.ts";
export { ChatProvider, useChat } from "./provider.ts";
export type { AnyChat, ChatProviderProps } from "./provider.ts";
