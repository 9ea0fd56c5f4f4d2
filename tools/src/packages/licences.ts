import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { UserError } from "@jichat/testkit/say.ts";

const INSTALLED = /^(.*\/node_modules\/(?:@[^/]+\/)?[^/]+)\//;

/** The folders of other people's packages that these modules, by their paths, come from. */
export const packagesOf = (modules: readonly string[]): readonly string[] =>
  [...new Set(modules.flatMap((path) => INSTALLED.exec(path)?.[1] ?? []))].sort();

/** The licences of packages, by their folders, as one text. Throws UserError for a package that has none. */
export function licencesOf(folders: readonly string[]): string {
  const texts = folders.map((folder) => {
    const file = readdirSync(folder).find((name) => /^licen[cs]e(\.\w+)?$/i.test(name));
    if (file === undefined) throw new UserError(`${folder} has no file LICENSE: it cannot be bundled`);
    const { name, version } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8")) as {
      readonly name: string;
      readonly version: string;
    };
    return `${name} ${version}\n\n${readFileSync(join(folder, file), "utf8").trim()}\n`;
  });
  return texts.join(`\n${"-".repeat(80)}\n\n`);
}
