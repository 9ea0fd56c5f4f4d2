import { existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ROOT } from "./cache.ts";
import { exec } from "./exec.ts";
import { UserError } from "./say.ts";

const OURS = "@jichat";

/** An earlier build in a folder of its own. */
export interface EarlierBuild {
  readonly root: string;
  readonly remove: () => void;
}

interface Manifest {
  readonly name: string;
  readonly workspaces?: readonly string[];
}
const manifestOf = (folder: string): Manifest =>
  JSON.parse(readFileSync(join(folder, "package.json"), "utf8")) as Manifest;

/**
 * Unpacks an earlier build, to run it beside the present one. `archive` is a compressed tar of its packages'
 * sources and its `package.json`: a clone may have no history to take it from. It runs unchanged, with the
 * third-party packages that are installed here. Throws a UserError if the archive cannot be unpacked.
 */
export async function earlierBuild(archive: string): Promise<EarlierBuild> {
  const root = mkdtempSync(join(tmpdir(), "jichat-earlier-"));
  const remove = (): void => {
    rmSync(root, { recursive: true, force: true });
  };
  try {
    const { code, stderr } = await exec("tar", ["-xzf", archive, "-C", root], { env: process.env });
    if (code !== 0)
      throw new UserError(`the earlier build in ${archive} cannot be unpacked: ${stderr.trim()}`);
    linkPackages(root);
  } catch (error) {
    remove();
    throw error;
  }
  return { root, remove };
}

/** Links the earlier tree's own packages to that tree, and all other packages to the installed ones. */
function linkPackages(root: string): void {
  const [from, to] = [join(ROOT, "node_modules"), join(root, "node_modules")];
  mkdirSync(join(to, OURS), { recursive: true });
  for (const name of readdirSync(from))
    if (!name.startsWith(".") && name !== OURS) symlinkSync(join(from, name), join(to, name));
  for (const pattern of manifestOf(root).workspaces ?? [])
    for (const folder of foldersOf(root, pattern)) symlinkSync(folder, join(to, manifestOf(folder).name));
}

/** The folders of a workspace pattern: `connector`, or each folder in `lib/*`. */
function foldersOf(root: string, pattern: string): readonly string[] {
  const isThere = (folder: string): boolean => existsSync(join(folder, "package.json"));
  if (!pattern.endsWith("/*")) return [join(root, pattern)].filter(isThere);
  const parent = join(root, pattern.slice(0, -2));
  return readdirSync(parent)
    .map((name) => join(parent, name))
    .filter(isThere);
}
