import { ChatError } from "../errors.ts";
import { BODY_BYTES_MAX } from "../limits.ts";

/** Whether this is a map: an object that is no list. */
export const isMap = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** A control character. */
export const CONTROL = /\p{Cc}/u;

/** A map from a client, read field by field. Each refusal names the field and what it should be. */
export class Fields {
  readonly #map: Readonly<Record<string, unknown>>;
  /** Most bytes of a `body` in this map, as compact JSON. */
  readonly bodyBytesMax: number;

  constructor(value: unknown, bodyBytesMax = BODY_BYTES_MAX) {
    if (!isMap(value)) throw new ChatError("FRAME_MALFORMED", "a frame is a map with a string `t`");
    this.#map = value;
    this.bodyBytesMax = bodyBytesMax;
  }

  raw(name: string): unknown {
    return this.#map[name];
  }

  string(name: string, lengthMax: number, lengthMin = 1): string {
    const value = this.#map[name];
    if (typeof value !== "string") throw this.#refuse(name, "is not a string");
    if (value.length < lengthMin || value.length > lengthMax) {
      throw this.#refuse(name, `has ${value.length} characters, not ${lengthMin} to ${lengthMax}`);
    }
    if (!value.isWellFormed()) throw this.#refuse(name, "has half a surrogate pair");
    return value;
  }

  /** A string without control characters: safe to write into a line of a log or into a header. */
  line(name: string, lengthMax: number, lengthMin = 1): string {
    const value = this.string(name, lengthMax, lengthMin);
    if (CONTROL.test(value)) throw this.#refuse(name, "has a control character");
    return value;
  }

  /** A string for which `test` holds; `what` completes "`name` is not …". */
  matching(name: string, test: (value: string) => boolean, what: string): string {
    const value = this.#map[name];
    if (typeof value !== "string" || !test(value)) throw this.#refuse(name, `is not ${what}`);
    return value;
  }

  int(name: string, min: number, max: number): number {
    const value = this.#map[name];
    if (typeof value !== "number" || !Number.isSafeInteger(value) || value < min || value > max) {
      throw this.#refuse(name, `is not an integer from ${min} to ${max}`);
    }
    return value;
  }

  boolean(name: string): boolean {
    const value = this.#map[name];
    if (typeof value !== "boolean") throw this.#refuse(name, "is neither true nor false");
    return value;
  }

  list(name: string, test: (value: string) => boolean, itemsMin: number, itemsMax: number): string[] {
    const value = this.#map[name];
    if (!Array.isArray(value)) throw this.#refuse(name, "is not a list");
    if (value.length < itemsMin || value.length > itemsMax) {
      throw this.#refuse(name, `has ${value.length} entries, not ${itemsMin} to ${itemsMax}`);
    }
    const items: string[] = [];
    for (const item of value as readonly unknown[]) {
      if (typeof item !== "string" || !test(item)) throw this.#refuse(name, "has an entry that is not an id");
      items.push(item);
    }
    return items;
  }

  /** Optional means absent, never null: a null is refused like any other wrong type. */
  optional<T>(name: string, read: (fields: Fields) => T): T | undefined {
    return this.#map[name] === undefined ? undefined : read(this);
  }

  #refuse(name: string, why: string): ChatError {
    return new ChatError("FRAME_MALFORMED", `\`${name}\` ${why}`);
  }
}
