import { foldedName } from "@jichat/protocol/folded-name.ts";

/** A name of more words is found by its first ones. It bounds what a name may add to the index. */
const STARTS_MAX = 16;

/**
 * Where somebody may begin to type a name: at each word, and at each character of a script that writes words
 * without spaces.
 */
const START = new RegExp(
  `[${["Han", "Hiragana", "Katakana", "Hangul", "Thai"].map((script) => `\\p{Script=${script}}`).join("")}]` +
    String.raw`|(?<![\p{L}\p{N}])[\p{L}\p{N}]`,
  "gu",
);

/** Control characters are in no name, and sort before everything that is. */
const END = "\u0001";

/** The entries of a user's name in a sorted index: the rest of the name from each start, and the user. */
export function entriesOf(user: string, name: string): readonly string[] {
  const text = foldedName(name);
  return [...text.matchAll(START)]
    .slice(0, STARTS_MAX)
    .map(({ index }) => `${text.slice(index)}${END}${user}`);
}

export const userOfEntry = (entry: string): string => entry.slice(entry.indexOf(END) + 1);

/** The first and the last text that begins with `text`, for a range of the index. */
export const rangeOf = (text: string): readonly [string, string] => [
  foldedName(text),
  `${foldedName(text)}\u{10ffff}`,
];
