/**
 * The SDK: `ChatClient` is the connection, `openChat` what a user interface shows. An application that
 * imports one of them does not pay for the other.
 */
export { isChange, withChange } from "@jichat/conversation/changes.ts";
export { ChatError } from "@jichat/protocol/errors.ts";
export type { ErrorCode } from "@jichat/protocol/errors.ts";
export type {
  ChatEvent,
  LeftConversation,
  Limits,
  ListedConversation,
  Muted,
  Page,
  Synced,
} from "@jichat/protocol/frame/server-frame.ts";
export {
  changeName,
  changePassword,
  connectors,
  findUsers,
  ownProfile,
  signIn,
  signOut,
  signUp,
} from "./account.ts";
export type { Api, Login, Session } from "./account.ts";
export { ChatClient } from "./chat-client.ts";
export type { Encoding } from "./encoding.ts";
export type { Chat } from "./chat/chat.ts";
export { indexedDbStore } from "./chat/indexed-db-store.ts";
export { openChat } from "./chat/open-chat.ts";
export type { OpenOptions } from "./chat/open-chat.ts";
export { memoryStore, webStore } from "./chat/store.ts";
export type { Thread } from "./chat/thread.ts";
export type * from "./chat/types.ts";
export type * from "./events.ts";
export { Feed } from "./feed.ts";
export { pushOffer, registerPush, registeredPush, removePush } from "./push.ts";
export type {
  Preview,
  PushKind,
  PushOffer,
  PushWish,
  QuietHours,
  RegisteredPush,
  WebPushSubscription,
} from "./push.ts";
export { remedyOf } from "./remedy.ts";
export type { Remedy } from "./remedy.ts";
export { RestError, callRest } from "./rest.ts";
export type { RestCall } from "./rest.ts";
export { restDirectory } from "./rest-directory.ts";
export type * from "./types.ts";
