import { readFileSync } from "node:fs";
import { join } from "node:path";
import { ROOT } from "@jichat/testkit/cache.ts";

/** A number, or a product of numbers, as sources write it: `24 * 3_600_000`. */
const PRODUCT = String.raw`[\d_.]+(?: \* [\d_.]+)*`;

/**
 * The value of a constant of a source file, by its name. It is read from the text, so a module does not have
 * to export what only the documentation wants to know. Throws if the file has no such constant with a number.
 */
export function constant(path: string, name: string): number {
  const text = readFileSync(join(ROOT, path), "utf8");
  const [, product] = new RegExp(`^(?:export )?const ${name} = (${PRODUCT});$`, "m").exec(text) ?? [];
  if (product === undefined) throw new Error(`${path} has no constant ${name} that is a number`);
  return product
    .replaceAll("_", "")
    .split(" * ")
    .reduce((value, factor) => value * Number(factor), 1);
}
