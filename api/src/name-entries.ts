/** A name of more words is found by its first ones. It bounds what a name may add to the index. */
const STARTS_MAX = 16;

/**
 * Where somebody may begin to type a name: at each word, and at each character of a script that writes words
 * without spaces.
 */
const START =
  /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}\p{Script=Thai}]|(?<![\p{L}\p{N}])[\p{L}\p{N}]/gu;

/** The form that names are compared in: without case, accents, and differences of width. */
export const folded = (text: string): string =>
  text.normalize("NFKD").replaceAll(/\p{M}/gu, "").toLowerCase().replaceAll(/\s+/g, " ").trim();

/** Control characters are in no name, and sort before everything that is. */
const END = "\u0001";

/** The entries of a user's name in a sorted index: the rest of the name from each start, and the user. */
export function entriesOf(user: string, name: string): readonly string[] {
  const text = folded(name);
  return [...text.matchAll(START)]
    .slice(0, STARTS_MAX)
    .map(({ index }) => `${text.slice(index)}${END}${user}`);
}

export const userOfEntry = (entry: string): string => entry.slice(entry.indexOf(END) + 1);

/** The first and the last text that begins with `text`, for a range of the index. */
export const rangeOf = (text: string): readonly [string, string] => [
  folded(text),
  `${folded(text)}\u{10ffff}`,
];
