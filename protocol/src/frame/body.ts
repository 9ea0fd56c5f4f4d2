import { ChatError } from "../errors.ts";
import { BODY_DEPTH_MAX } from "../limits.ts";

/**
 * A `body` as compact JSON text. It crosses every hop as this text and is parsed again only for a
 * MessagePack reader.
 */
export type BodyText = string & { readonly bodyText: unique symbol };

const refuse = (why: string): ChatError => new ChatError("FRAME_MALFORMED", `\`body\` ${why}`);

function checkValue(value: unknown, depth: number): void {
  if (typeof value === "number" && !Number.isFinite(value)) throw refuse("has a number that JSON cannot say");
  if (typeof value === "bigint") throw refuse("has an integer above 2^53 - 1");
  if (typeof value !== "object" || value === null) return;
  if (depth > BODY_DEPTH_MAX) throw refuse(`is nested deeper than ${BODY_DEPTH_MAX}`);
  if (ArrayBuffer.isView(value)) throw refuse("has a bin value");
  for (const key in value) {
    // MessagePack libraries refuse to read it, and an application that copies it changes a prototype.
    if (key === "__proto__") throw refuse("has a key `__proto__`");
    checkValue((value as Record<string, unknown>)[key], depth + 1);
  }
}

const encoder = new TextEncoder();

/** Bytes of a text in UTF-8, without encoding it where its length already decides. */
export function utf8Length(text: string, enough: number): number {
  if (text.length * 3 <= enough || text.length > enough) return text.length;
  return encoder.encode(text).length;
}

/** `value` as a body of at most `bytesMax`, or FRAME_MALFORMED that says what is wrong with it. */
export function readBody(value: unknown, bytesMax: number): BodyText {
  if (typeof value !== "object" || value === null || Array.isArray(value)) throw refuse("is not a map");
  checkValue(value, 1);
  const text = JSON.stringify(value);
  if (utf8Length(text, bytesMax) > bytesMax) throw refuse(`is more than ${bytesMax} bytes as compact JSON`);
  return text as BodyText;
}
