import { relative } from "node:path";

const SHOWN_MAX = 10;
const SHOWN_FROM_SECONDS = 1;

/** How long a test file took. */
export interface FileSeconds {
  readonly file: string;
  readonly seconds: number;
}

/** Reads what `ends.ts` of the test kit wrote: per line the seconds and the path of a file. */
export const readFileSeconds = (text: string): readonly FileSeconds[] =>
  text
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => {
      const [, seconds = "", file = ""] = /^([0-9.]+) (.+)$/.exec(line) ?? [];
      if (file === "") throw new Error(`not the seconds of a test file: ${line}`);
      return { file, seconds: Number(seconds) };
    });

/**
 * A line for each of the ten slowest files that took a second or more, the slowest first. Paths are relative to
 * `root`.
 */
export function slowestLines(files: readonly FileSeconds[], root: string): readonly string[] {
  return files
    .filter(({ seconds }) => seconds >= SHOWN_FROM_SECONDS)
    .toSorted((a, b) => b.seconds - a.seconds)
    .slice(0, SHOWN_MAX)
    .map(({ file, seconds }) => `${seconds.toFixed(1).padStart(7)} s  ${relative(root, file)}`);
}
