import { ChatError } from "../errors.ts";
import { BODY_DEPTH_MAX } from "../limits.ts";
import { Path } from "./path.ts";
import { utf8Length } from "./utf8-length.ts";

/**
 * A `body` as compact JSON text. It stays text on every hop and is parsed again only for a MessagePack
 * reader.
 */
export type BodyText = string & { readonly bodyText: unique symbol };

const path = new Path();

const refuse = (why: string): ChatError => new ChatError("FRAME_MALFORMED", `${path.say("body")} ${why}`);

/** A double cannot hold larger integers exactly. A client sends them as text. */
const NUMBER_MAX = Number.MAX_SAFE_INTEGER;

function checkLeaf(value: unknown): void {
  switch (typeof value) {
    case "string":
      if (!value.isWellFormed()) throw refuse("has half a surrogate pair");
      return;
    case "number":
      if (!(Math.abs(value) <= NUMBER_MAX)) throw refuse("is a number outside of -(2^53 - 1) to 2^53 - 1");
      return;
    case "boolean":
      return;
    default:
      throw refuse("is not a value that JSON can express");
  }
}

function checkValue(value: unknown, depth: number): void {
  if (value === null) return;
  if (typeof value !== "object") {
    checkLeaf(value);
    return;
  }
  if (depth > BODY_DEPTH_MAX) throw refuse(`is nested deeper than ${BODY_DEPTH_MAX}`);
  if (ArrayBuffer.isView(value)) throw refuse("is a bin value");
  if (Array.isArray(value)) {
    for (let i = 0; i < value.length; i += 1) {
      path.enter(i);
      checkValue(value[i], depth + 1);
      path.leave();
    }
    return;
  }
  for (const key in value) {
    path.enter(key);
    // MessagePack libraries refuse this key, and an application that copies it changes a prototype.
    if (key === "__proto__") throw refuse("is a key `__proto__`");
    if (!key.isWellFormed()) throw refuse("is a key with half a surrogate pair");
    checkValue((value as Record<string, unknown>)[key], depth + 1);
    path.leave();
  }
}

/**
 * Checks that `value` is a body of at most `bytesMax` bytes as compact JSON. Throws FRAME_MALFORMED, which
 * says what is wrong.
 */
export function readBody(value: unknown, bytesMax: number): BodyText {
  path.clear();
  if (typeof value !== "object" || value === null || Array.isArray(value)) throw refuse("is not a map");
  checkValue(value, 1);
  path.clear();
  const text = JSON.stringify(value);
  if (utf8Length(text, bytesMax) > bytesMax) throw refuse(`is more than ${bytesMax} bytes as compact JSON`);
  return text as BodyText;
}
