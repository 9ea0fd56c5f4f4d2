const graphemes = new Intl.Segmenter(undefined, { granularity: "grapheme" });
const ELLIPSIS = "…";
/** One character as people see it may have any number of marks. */
const UNITS_PER_CHARACTER_MAX = 16;

/** Line ends and tabs: a notification has lines of its own. */
const BREAKS = /[\t\n\v\f\r\u0085\u2028\u2029]+/g;
/**
 * Control characters, and those that turn the direction of what follows (Unicode, UAX #9): with them a name
 * could rewrite the words around it. Joiners stay: emoji and some scripts need them.
 */
const HIDDEN = /[\p{Cc}\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff]/gu;

/**
 * A text of a stranger as one plain line of at most `charactersMax` characters as people see them. What is
 * cut off is replaced by an ellipsis.
 */
export function plainText(text: string, charactersMax: number): string {
  const unitsMax = charactersMax * UNITS_PER_CHARACTER_MAX;
  const line = text.slice(0, unitsMax).toWellFormed().replace(BREAKS, " ").replace(HIDDEN, "").trim();
  // No character is shorter than a unit: most texts need not be cut at characters, which costs most.
  if (line.length <= charactersMax && text.length <= unitsMax) return line;
  const starts: number[] = [];
  for (const { index } of graphemes.segment(line)) {
    starts.push(index);
    if (starts.length > charactersMax) return cut(line, starts.at(-2));
  }
  // The last character may itself be cut.
  return text.length > unitsMax ? cut(line, starts.at(-1)) : line;
}

const cut = (line: string, end = 0): string => `${line.slice(0, end).trimEnd()}${ELLIPSIS}`;
