/** The SDK: one class, with the types that it takes and returns. */
export { isChange, withChange } from "@jichat/conversation/changes.ts";
export { ChatError } from "@jichat/protocol/errors.ts";
export type { ErrorCode } from "@jichat/protocol/errors.ts";
export type {
  ChatEvent,
  LeftConversation,
  Limits,
  ListedConversation,
  Page,
  Synced,
} from "@jichat/protocol/frame/server-frame.ts";
export { ChatClient } from "./chat-client.ts";
export type { Encoding } from "./encoding.ts";
export { Feed } from "./feed.ts";
export { RestError, callRest } from "./rest.ts";
export type { RestCall } from "./rest.ts";
export type * from "./types.ts";
