import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, relative, resolve } from "node:path";
import { build } from "tsdown";
import { ROOT } from "@jichat/testkit/cache.ts";
import { declarationsOf, writeTsconfig } from "./declarations.ts";
import { licencesOf, packagesOf } from "./licences.ts";
import type { WorkspaceManifest } from "./manifest.ts";
import { entriesOf, publishedManifest } from "./manifest.ts";

/** Syntax that every browser of the last two years has, and Node 22. */
const TARGET = "es2022";

/** For React: components of servers alone may render those of the package, and not call its hooks. */
const FOR_CLIENTS = '"use client";';

const OURS = "@jichat/";

/** An import of one of these packages, or of a file of one. */
const importsOf = (names: readonly string[]): RegExp[] => names.map((name) => new RegExp(`^${name}(/|$)`));

export const readManifest = (folder: string): WorkspaceManifest =>
  JSON.parse(readFileSync(join(ROOT, folder, "package.json"), "utf8")) as WorkspaceManifest;

/**
 * Builds a package of the workspace into `out`, as it is published: its package.json, its texts and `dist`.
 * `out` is emptied before. Throws UserError for a package.json that lacks something, and for sources that do
 * not compile.
 */
export async function buildPackage(folder: string, out: string): Promise<void> {
  const manifest = readManifest(folder);
  const published = publishedManifest(manifest);
  rmSync(out, { recursive: true, force: true });
  mkdirSync(out, { recursive: true });
  const modules = await bundle(join(ROOT, folder), out, manifest);
  const others = packagesOf(modules);
  if (others.length > 0) writeFileSync(join(out, "dist/LICENCES.txt"), licencesOf(others));
  for (const text of ["LICENSE", "CHANGELOG.md"]) copyFileSync(join(ROOT, text), join(out, text));
  copyFileSync(join(ROOT, folder, "README.md"), join(out, "README.md"));
  writeFileSync(join(out, "package.json"), `${JSON.stringify(published, undefined, 2)}\n`);
}

/** Makes `dist` in `out`, and returns the paths of all modules in it. */
async function bundle(cwd: string, out: string, manifest: WorkspaceManifest): Promise<readonly string[]> {
  const entries = entriesOf(manifest);
  const bundled = Object.keys(manifest.dependencies ?? {});
  const isOurs = (name: string): boolean => name.startsWith(OURS);
  const sources = entries.map(({ source }) => join(cwd, source));
  const peers = Object.keys(manifest.peerDependencies ?? {});
  const work = mkdtempSync(join(tmpdir(), "jichat-types-"));
  try {
    const tsconfig = writeTsconfig(work, sources, bundled.filter(isOurs));
    const { bundles } = await build({
      config: false,
      cwd,
      entry: Object.fromEntries(entries.map(({ name, source }) => [name, source])),
      outDir: join(out, "dist"),
      format: "esm",
      platform: "browser",
      target: TARGET,
      tsconfig,
      dts: { generator: await declarationsOf(tsconfig), tsconfig, sourcemap: false },
      sourcemap: true,
      outputOptions: {
        // A map holds its sources, and names them as this repository does.
        sourcemapPathTransform: (source, map) => relative(ROOT, resolve(dirname(map), source)),
      },
      ...(peers.includes("react") ? { banner: { js: FOR_CLIENTS } } : {}),
      hash: false,
      deps: {
        alwaysBundle: importsOf(bundled),
        onlyBundle: bundled.filter((name) => !isOurs(name)),
        onlyImport: peers,
      },
      report: false,
      failOnWarn: true,
      logLevel: "warn",
    });
    return bundles.flatMap(({ chunks }) =>
      chunks.flatMap((chunk) => (chunk.type === "chunk" ? chunk.moduleIds : [])),
    );
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}
