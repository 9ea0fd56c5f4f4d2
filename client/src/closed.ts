import { CLOSE, ChatError, asChatError } from "@jichat/protocol/errors.ts";
import type { ErrorCode } from "@jichat/protocol/errors.ts";

/** The protocol's own, for a frame that no reader of it understands (RFC 6455, 7.4.1). */
export const BROKEN = 1002;
/** A connection that ended without a close frame (RFC 6455, 7.1.5). */
export const DROPPED = 1006;

/** A socket that was closed before it was welcomed, or while something waited for a reply. */
export class Closed extends Error {
  override readonly name = "Closed";
  readonly code: number;
  /** Hello was said, and its answer never came: it may still arrive there, and take the place of another. */
  readonly isStray: boolean;

  constructor(code: number, reason: string, isStray = false) {
    super(`closed with ${code}${reason === "" ? "" : `: ${reason}`}`);
    this.code = code;
    this.isStray = isStray;
  }
}

/** What a close code of the protocol says; any other is a connection that comes back. */
const MEANING: Readonly<Record<number, readonly [code: ErrorCode, what: string]>> = {
  4400: ["FRAME_MALFORMED", "three frames in a row broke the protocol"],
  4401: ["UNAUTHENTICATED", "the server takes neither token nor ticket"],
  4402: ["TOKEN_EXPIRED", "the session's token has ended"],
  4403: ["FORBIDDEN", "the server serves no page of this origin, or not this user"],
  4409: ["CONFLICT", "another session took this one's place"],
  4429: ["RATE_LIMITED", "the server has too many connections, frames or refusals of here"],
};

/** What the application is told: whatever was thrown, with a code that says what to do about it. */
export function reasonOf(thrown: unknown): ChatError {
  if (!(thrown instanceof Closed)) return asChatError(thrown);
  const [code, what] = MEANING[thrown.code] ?? ["UNAVAILABLE", "no connection"];
  return new ChatError(code, `${what} (${thrown.message})`, { cause: thrown });
}

/** The close code that came with it, if one did. */
export const closeCodeOf = (thrown: unknown): number | undefined =>
  thrown instanceof Closed ? thrown.code : (thrown as { readonly closeCode?: number }).closeCode;

/** A 4409 of a session that another one of this very client has ended: no reason to stay away. */
export const ownDoing = (why: Closed): Closed =>
  why.code === CLOSE.replaced ? new Closed(DROPPED, "this device came by another connection") : why;
