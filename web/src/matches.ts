import { foldedName } from "@jichat/protocol/folded-name.ts";

/** After a character of these scripts, a word goes on. Others write words without spaces, or seldom. */
const SPACED = /[\p{Script=Latin}\p{Script=Cyrillic}\p{Script=Greek}\p{N}]/u;

/** Whether a word of one of `names` begins with `typed`. Scripts without spaces match anywhere. */
export function matches(typed: string, names: readonly string[]): boolean {
  const wanted = foldedName(typed);
  return names.some((name) => {
    const text = foldedName(name);
    if (text.startsWith(wanted)) return true;
    for (let at = text.indexOf(wanted, 1); at > 0; at = text.indexOf(wanted, at + 1))
      if (!SPACED.test(text[at - 1] ?? "")) return true;
    return false;
  });
}
