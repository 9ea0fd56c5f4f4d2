import { mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { say } from "@jichat/testkit/say.ts";
import { buildPackage, readManifest } from "./build.ts";
import { checkTarball } from "./check.ts";
import { entriesOf } from "./manifest.ts";
import { pack } from "./pack.ts";

/** The packages that others install, by their folders. A package comes behind those that it imports. */
const PACKAGES = ["client", "react"] as const;

const kilobytes = (bytes: number): string => `${(bytes / 1_000).toFixed(0)} KB`;

/**
 * Builds, packs and checks every package, and returns the tarballs, which are in `out`. `out` is emptied
 * before. What was packed stays in it, as `build/client` and so on. Throws UserError for what cannot be
 * published.
 */
export async function makePackages(out: string): Promise<readonly string[]> {
  rmSync(out, { recursive: true, force: true });
  mkdirSync(out, { recursive: true });
  const tarballs: string[] = [];
  for (const folder of PACKAGES) {
    const manifest = readManifest(folder);
    const built = join(out, "build", folder);
    const names = entriesOf(manifest).map(({ path }) => path);
    say(`${manifest.name} ${manifest.version}: building ${names.join(", ")}`);
    await buildPackage(folder, built);
    const { tarball, files, size, unpackedSize } = await pack(built, out);
    for (const file of files) say(`  ${file.path}  ${kilobytes(file.size)}`);
    await checkTarball(tarball);
    say(`  publint and arethetypeswrong have no findings`);
    say(`${tarball}: ${kilobytes(size)}, unpacked ${kilobytes(unpackedSize)}`);
    tarballs.push(tarball);
  }
  return tarballs;
}
