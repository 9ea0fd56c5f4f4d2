import { ChatError } from "@jichat/protocol/errors.ts";
import { messageOf } from "./message-of.ts";

/** What an application is told of a thrown value. INTERNAL with its own text, if it is not a ChatError. */
export const chatErrorOf = (thrown: unknown): ChatError =>
  thrown instanceof ChatError ? thrown : new ChatError("INTERNAL", messageOf(thrown), { cause: thrown });
