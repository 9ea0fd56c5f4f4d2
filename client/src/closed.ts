import { CLOSE, ChatError } from "@jichat/protocol/errors.ts";
import { chatErrorOf } from "./chat-error-of.ts";
import type { ErrorCode } from "@jichat/protocol/errors.ts";

/** The close code for a frame that breaks the protocol (RFC 6455, 7.4.1). */
export const BROKEN = 1002;
/** The close code of a connection that ended without a close frame (RFC 6455, 7.1.5). */
export const DROPPED = 1006;

/** A socket that was closed before it was welcomed, or while something waited for a reply. */
export class Closed extends Error {
  override readonly name = "Closed";
  readonly code: number;
  /**
   * The hello was sent, but no answer came. The hello may still arrive, and replace another session of this
   * device.
   */
  readonly isStray: boolean;

  constructor(code: number, reason: string, isStray = false) {
    super(`closed with ${code}${reason === "" ? "" : `: ${reason}`}`);
    this.code = code;
    this.isStray = isStray;
  }
}

/** The meaning of each close code of the protocol. After any other code the client reconnects. */
const MEANING: Readonly<Record<number, readonly [code: ErrorCode, what: string]>> = {
  4400: ["FRAME_MALFORMED", "three frames in a row broke the protocol"],
  4401: ["UNAUTHENTICATED", "the server accepts neither token nor ticket"],
  4402: ["TOKEN_EXPIRED", "the session's token has expired"],
  4403: ["FORBIDDEN", "the server refuses pages of this origin, or this user"],
  4409: ["CONFLICT", "another session took this one's place"],
  4429: ["RATE_LIMITED", "too many connections, frames or refusals"],
};

/** The error for the application: whatever was thrown, with a code that says what to do about it. */
export function reasonOf(thrown: unknown): ChatError {
  if (!(thrown instanceof Closed)) return chatErrorOf(thrown);
  const [code, what] = MEANING[thrown.code] ?? ["UNAVAILABLE", "no connection"];
  return new ChatError(code, `${what} (${thrown.message})`, { cause: thrown });
}

/** The close code that came with the error, if there was one. */
export const closeCodeOf = (thrown: unknown): number | undefined =>
  thrown instanceof Closed ? thrown.code : (thrown as { readonly closeCode?: number }).closeCode;

/**
 * Turns a 4409 that another connection of this same client caused into a plain lost connection, so that the
 * client reconnects.
 */
export const ownDoing = (why: Closed): Closed =>
  why.code === CLOSE.replaced ? new Closed(DROPPED, "this device connected again") : why;
