import { ChatError } from "@jichat/protocol/errors.ts";
import { messageOf } from "./message-of.ts";

/** What an application is told of a thrown value. What is not of this protocol is INTERNAL, with its own text. */
export const chatErrorOf = (thrown: unknown): ChatError =>
  thrown instanceof ChatError ? thrown : new ChatError("INTERNAL", messageOf(thrown), { cause: thrown });
