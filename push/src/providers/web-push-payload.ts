import type { Push } from "../provider.ts";
import { fitted } from "./fitted.ts";

/**
 * Most bytes of a payload before it is encrypted. Push services take 4,096 bytes, of which aes128gcm needs
 * 103: a header of 86 with the key, a delimiter, and a tag of 16 (RFC 8188, RFC 8291).
 */
export const PAYLOAD_BYTES_MAX = 4_096 - 103;

/**
 * The JSON that a service worker gets, in at most `PAYLOAD_BYTES_MAX` bytes: the text is shortened rather
 * than lost. `undefined` if it is too long without any text. `tag` is the tag of the notification: a later
 * one takes its place, and a withdrawal closes it.
 */
export function webPushPayload(push: Push): string | undefined {
  const { is, conversation, seq, badge, collapseKey: tag } = push;
  const about = { conversation, seq, ...(badge === undefined ? {} : { badge }), tag };
  if (push.is === "withdrawal") {
    const payload = JSON.stringify({ v: 1, is, ...about });
    return Buffer.byteLength(payload) > PAYLOAD_BYTES_MAX ? undefined : payload;
  }
  const { count, hasSound } = push;
  const rest = { ...about, count, ...(hasSound ? { sound: true } : {}) };
  return fitted(push, PAYLOAD_BYTES_MAX, (title, text) => JSON.stringify({ v: 1, is, title, text, ...rest }));
}
