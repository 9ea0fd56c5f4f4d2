import { utf8Bytes } from "@jichat/protocol/utf8-bytes.ts";
import type { Notification } from "../provider.ts";

const graphemes = new Intl.Segmenter(undefined, { granularity: "grapheme" });
const ELLIPSIS = "…";

/**
 * The longest beginning of a text that fits, cut between characters as people see them, with an ellipsis if
 * something is missing. `undefined` if not even an empty text fits. At most `lengthMax` UTF-16 units are
 * looked at.
 */
export function longestFitting(
  text: string,
  lengthMax: number,
  fits: (text: string) => boolean,
): string | undefined {
  if (text.length <= lengthMax && fits(text)) return text;
  const starts = Array.from(graphemes.segment(text.slice(0, lengthMax)), ({ index }) => index);
  // The last start begins a character that may itself be cut, and the first one is the empty text.
  let fitting: string | undefined;
  let [low, high] = [0, starts.length - 1];
  while (low <= high) {
    const middle = (low + high) >> 1;
    const cut = middle === 0 ? "" : `${text.slice(0, starts[middle])}${ELLIPSIS}`;
    if (fits(cut)) {
      fitting = cut;
      low = middle + 1;
    } else high = middle - 1;
  }
  return fitting;
}

/**
 * What `write` makes of a notification, in at most `bytesMax` bytes: the text is shortened first, then the
 * title. `undefined` if what remains is still too long.
 */
export function fitted(
  { title, text }: Pick<Notification, "title" | "text">,
  bytesMax: number,
  write: (title: string, text: string) => string,
): string | undefined {
  const fits = (title: string, text: string): boolean => utf8Bytes(write(title, text)) <= bytesMax;
  const shorter = longestFitting(text, bytesMax, (text) => fits(title, text));
  if (shorter !== undefined) return write(title, shorter);
  const name = longestFitting(title, bytesMax, (title) => fits(title, ""));
  return name === undefined ? undefined : write(name, "");
}
