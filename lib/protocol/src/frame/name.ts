import { ChatError } from "../errors.ts";
import { NAME_LENGTH_MAX } from "../limits.ts";

// At most four code points compose to one, and each has at most two units. A longer text cannot become a
// valid name, so it is not composed.
const COMPOSED_UNITS_MAX = NAME_LENGTH_MAX * 4 * 2;
// Embeddings, overrides and isolates, which are controls of direction, also turn the text after the name.
const CONTROL = /[\p{Cc}\u202a-\u202e\u2066-\u2069]/u;

const codeOf = (found: string): string =>
  `U+${(found.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, "0")}`;

/**
 * Normalises the name of a person or a group to the stored form: composed (NFC), without spaces at its ends,
 * at most 128 code points (512 bytes of UTF-8). Throws FRAME_MALFORMED, which says what is wrong.
 */
export function nameOf(value: unknown, field = "name"): string {
  const refuse = (why: string): ChatError => new ChatError("FRAME_MALFORMED", `\`${field}\` ${why}`);
  if (typeof value !== "string") throw refuse("is not a string");
  if (!value.isWellFormed()) throw refuse("has half a surrogate pair");
  // Checked before the trim, which would remove a line feed at an end like a space.
  const control = CONTROL.exec(value);
  if (control !== null) throw refuse(`has a control character (${codeOf(control[0])})`);
  const trimmed = value.trim();
  const name = trimmed.length > COMPOSED_UNITS_MAX ? trimmed : trimmed.normalize("NFC").trim();
  const length = name.length > COMPOSED_UNITS_MAX ? name.length : Array.from(name).length;
  if (length < 1 || length > NAME_LENGTH_MAX)
    throw refuse(`has ${length} characters, not 1 to ${NAME_LENGTH_MAX}`);
  return name;
}
