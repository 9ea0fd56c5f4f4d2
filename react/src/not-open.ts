import { ChatError } from "@jichat/client";

/** Why nothing can be written while a provider has no chat. */
export const notOpen = (): ChatError =>
  new ChatError("UNAVAILABLE", "the chat is not open yet: <ChatProvider> has no `chat`");
