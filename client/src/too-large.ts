import { ChatError } from "@jichat/protocol/errors.ts";
import type { Limits } from "@jichat/protocol/frame/server-frame.ts";
import { utf8Bytes, utf8Length } from "@jichat/protocol/frame/utf8-length.ts";

/**
 * A body can be at most this many times longer as JSON than on the wire: a control character becomes
 * `\u0001`.
 */
const GROWTH_MAX = 6;

/** FRAME_TOO_LARGE if the frame, or its body, is over the server's limits, in bytes; otherwise undefined. */
export function tooLarge(
  frame: object,
  encoded: string | Uint8Array,
  { frameBytes, bodyBytes }: Pick<Limits, "frameBytes" | "bodyBytes">,
): ChatError | undefined {
  const bytes = typeof encoded === "string" ? utf8Length(encoded, frameBytes) : encoded.length;
  const refuse = (what: string, has: number, most: number): ChatError =>
    new ChatError("FRAME_TOO_LARGE", `${what} has ${has} bytes, and this server accepts ${most}`);
  if ("body" in frame && bytes * GROWTH_MAX > bodyBytes) {
    const body = JSON.stringify(frame.body);
    if (utf8Length(body, bodyBytes) > bodyBytes)
      return refuse("`body` as compact JSON", utf8Bytes(body), bodyBytes);
  }
  if (bytes <= frameBytes) return undefined;
  return refuse("this frame", typeof encoded === "string" ? utf8Bytes(encoded) : bytes, frameBytes);
}
