/** A fenced block of code of a page in Markdown. */
export interface Block {
  readonly language: string;
  /** The line of the page on which the code begins, from 1. */
  readonly line: number;
  readonly text: string;
  /** The heading `## …` above it; empty before the first one. */
  readonly section: string;
  /** The file that its first line names: `// chat.ts` or `<!-- index.html -->`. */
  readonly file: string | undefined;
}

const FENCE = /^\s*```(\w*)/;
const NAME = /^(?:\/\/|<!--) ([\w./-]+\.\w+)(?: -->)?\n/;

/** All blocks of a page, in order. Throws if one is never closed. */
export function blocksOf(page: string): readonly Block[] {
  const found: Block[] = [];
  let section = "";
  let open: { readonly language: string; readonly line: number; readonly lines: string[] } | undefined;
  for (const [index, line] of page.split("\n").entries()) {
    const fence = FENCE.exec(line);
    if (open === undefined) {
      if (fence !== null) open = { language: fence[1] ?? "", line: index + 2, lines: [] };
      else if (line.startsWith("## ")) section = line.slice(3);
    } else if (fence === null) open.lines.push(line);
    else {
      const { language, line: first, lines } = open;
      const text = `${lines.join("\n")}\n`;
      found.push({ language, line: first, text, section, file: NAME.exec(text)?.[1] });
      open = undefined;
    }
  }
  if (open !== undefined) throw new Error(`the block of code from line ${open.line} on is never closed`);
  return found;
}

/**
 * The files that a page has in these sections, or in all if none is named, by name. Throws if a name comes
 * twice.
 */
export function filesOf(page: string, sections: readonly string[] = []): ReadonlyMap<string, string> {
  const files = new Map<string, string>();
  for (const { file, section, text } of blocksOf(page)) {
    if (file === undefined || (sections.length > 0 && !sections.includes(section))) continue;
    if (files.has(file)) throw new Error(`${file} is on the page twice`);
    files.set(file, text);
  }
  return files;
}

/**
 * The commands of a section's `sh` blocks, without comments. A line that ends with `\` goes on in the next
 * one.
 */
export function commandsOf(page: string, section: string): readonly string[] {
  return blocksOf(page)
    .filter((block) => block.language === "sh" && block.section === section)
    .flatMap(({ text }) => text.replaceAll(/\\\n\s*/g, "").split("\n"))
    .flatMap((line) => line.replace(/(^|\s)#.*$/, "").split(" && "))
    .map((command) => command.trim())
    .filter((command) => command !== "");
}
