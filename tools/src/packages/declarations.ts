import { readFileSync, realpathSync, writeFileSync } from "node:fs";
import { join, relative } from "node:path";
import type { DtsOptions } from "tsdown";
import { ROOT } from "@jichat/testkit/cache.ts";
import { exec } from "@jichat/testkit/exec.ts";
import { UserError } from "@jichat/testkit/say.ts";
import type { WorkspaceManifest } from "./manifest.ts";

/** What every browser of the last two years has, and Node 22. Anything newer does not compile. */
const LIB = ["es2023", "es2024.promise", "es2024.string", "dom", "dom.iterable"];

type Generator = Exclude<NonNullable<DtsOptions["generator"]>, string>;

/**
 * Where the compiler finds the files of workspace packages. Through node_modules, it would take them for the
 * files of other people, and make no declarations of them.
 */
const pathsOf = (names: readonly string[]): Readonly<Record<string, readonly string[]>> =>
  Object.fromEntries(
    names.flatMap((name) => {
      const folder = realpathSync(join(ROOT, "node_modules", name));
      const { exports } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8")) as WorkspaceManifest;
      return Object.entries(exports).map(([path, file]) => [join(name, path), [join(folder, file)]]);
    }),
  );

/**
 * Writes the tsconfig of a package into `folder`, and returns its path. `files` are the package's entries, and
 * `bundled` the workspace packages that they import. It knows no types of Node and no API newer than `LIB`.
 * React is React's own.
 */
export function writeTsconfig(folder: string, files: readonly string[], bundled: readonly string[]): string {
  const path = join(folder, "tsconfig.json");
  const compilerOptions = {
    noEmit: false,
    declaration: true,
    emitDeclarationOnly: true,
    stripInternal: true,
    rootDir: ROOT,
    outDir: join(folder, "types"),
    lib: LIB,
    types: [],
    paths: pathsOf(bundled),
    jsxImportSource: "react",
  };
  const config = { extends: join(ROOT, "tsconfig.json"), compilerOptions, files, include: [] };
  writeFileSync(path, JSON.stringify(config));
  return path;
}

/**
 * Makes the declarations for a tsconfig of `writeTsconfig`, by the workspace's own compiler, and returns what
 * gives them to tsdown, which bundles them. Its own way to run TypeScript 7.0 is deprecated (docs/adr/0030).
 * Throws UserError, with what the compiler says.
 */
export async function declarationsOf(tsconfig: string): Promise<Generator> {
  const tsc = join(ROOT, "node_modules/.bin/tsc");
  const { code, stdout } = await exec(tsc, ["-p", tsconfig], { cwd: ROOT });
  if (code !== 0) throw new UserError(`the declarations could not be made:\n${stdout.trim()}`);
  const types = join(tsconfig, "../types");
  return {
    emit: (_, file) => ({
      code: readFileSync(join(types, relative(ROOT, file).replace(/\.tsx?$/, ".d.ts")), "utf8"),
    }),
  };
}
