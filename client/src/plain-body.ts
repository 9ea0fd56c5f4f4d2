import { ChatError } from "@jichat/protocol/errors.ts";
import { isMap } from "@jichat/protocol/frame/fields.ts";
import { Path } from "@jichat/protocol/frame/path.ts";
import { BODY_DEPTH_MAX } from "@jichat/protocol/limits.ts";
import { messageOf } from "./message-of.ts";
import type { Body } from "./types.ts";

/**
 * The number of characters and values that are visited. No server accepts a frame of more bytes. The bound
 * stops a walk that could take hours, when one value stands in many places of a body.
 */
const LOOKED_AT_MAX = 1_048_576;

/** Whether the value has no class: its prototype is null or the root prototype, of any realm. */
function isPlain(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === null || Object.getPrototypeOf(prototype) === null;
}

/** Describes a value that is not a plain map, such as "an instance of Date". */
function classOf(value: object): string {
  const { constructor } = value;
  const isNamed = typeof constructor === "function" && constructor.name !== "";
  return `an instance of ${isNamed ? constructor.name : "a class"}`;
}

/** One walk through one body. Walks share nothing, because a getter may send another body meanwhile. */
class BodyCopy {
  readonly #path = new Path();
  /** The maps and lists that enclose the present value, to find circles. */
  readonly #around = new Set<object>();
  #lookedAt = 0;

  refuse(why: string, options?: ErrorOptions): ChatError {
    return new ChatError("FRAME_MALFORMED", `${this.#path.say("body")} ${why}`, options);
  }

  of(value: unknown, depth = 1): unknown {
    this.#count(1);
    if (value === null) return null;
    if (typeof value !== "object") return this.#leaf(value);
    if (this.#around.has(value)) throw this.refuse("contains itself");
    if (depth > BODY_DEPTH_MAX) throw this.refuse(`is nested deeper than ${BODY_DEPTH_MAX}`);
    this.#around.add(value);
    const copy = Array.isArray(value) ? this.#list(value, depth) : this.#map(value, depth);
    this.#around.delete(value);
    return copy;
  }

  #count(size: number): void {
    this.#lookedAt += size;
    if (this.#lookedAt > LOOKED_AT_MAX)
      throw new ChatError("FRAME_TOO_LARGE", "`body` is larger than any server accepts");
  }

  #leaf(value: unknown): unknown {
    switch (typeof value) {
      case "string":
        return this.#text(value, "has half a surrogate pair");
      case "boolean":
        return value;
      case "number":
        if (!Number.isFinite(value)) throw this.refuse(`is ${value}, which JSON cannot express`);
        // Integers beyond it change when they become doubles.
        if (Math.abs(value) > Number.MAX_SAFE_INTEGER) throw this.refuse("is over 2^53 - 1: send it as text");
        return value;
      case "bigint":
        throw this.refuse("is a bigint: send it as text");
      case "undefined":
        throw this.refuse("is undefined: leave it out, or send null");
      default:
        throw this.refuse(`is a ${typeof value}, which JSON cannot express`);
    }
  }

  #text(text: string, halves: string): string {
    this.#count(text.length);
    if (!text.isWellFormed()) throw this.refuse(halves);
    return text;
  }

  #list(list: readonly unknown[], depth: number): unknown[] {
    const copy: unknown[] = [];
    // `map` would skip holes, which JSON would write as null.
    for (let i = 0; i < list.length; i += 1) {
      this.#path.enter(i);
      copy.push(this.of(list[i], depth + 1));
      this.#path.leave();
    }
    return copy;
  }

  #map(map: object, depth: number): Record<string, unknown> {
    if (!isPlain(map)) throw this.refuse(`is ${classOf(map)}: send text, a number, a list or a map`);
    const copy: Record<string, unknown> = {};
    for (const key of Object.keys(map)) {
      this.#path.enter(key);
      if (key === "__proto__") throw this.refuse("is a key `__proto__`");
      this.#text(key, "is a key with half a surrogate pair");
      copy[key] = this.of((map as Record<string, unknown>)[key], depth + 1);
      this.#path.leave();
    }
    return copy;
  }
}

/**
 * Returns a deep copy of an application's body. Throws FRAME_MALFORMED, with the place, for a value that JSON
 * cannot carry unchanged, and FRAME_TOO_LARGE for more than a million characters and values.
 */
export function plainBody(body: unknown): Body {
  const copy = new BodyCopy();
  try {
    if (!isMap(body)) throw copy.refuse("is not a map");
    return copy.of(body) as Body;
  } catch (thrown) {
    if (thrown instanceof ChatError) throw thrown;
    throw copy.refuse(`could not be read: ${messageOf(thrown)}`, { cause: thrown });
  }
}
