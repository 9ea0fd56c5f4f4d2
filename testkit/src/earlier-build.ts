import { existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ROOT } from "./cache.ts";
import { exec } from "./exec.ts";
import { UserError } from "./say.ts";

const OURS = "@jichat";

/** A checkout of an earlier commit in its own folder. */
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

async function git(
  cwd: string,
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<string> {
  const { code, stdout, stderr } = await exec("git", args, { cwd, env: { ...process.env, ...env } });
  if (code !== 0) throw new Error(`git ${args.join(" ")}: ${stderr.trim()}`);
  return stdout.trim();
}

/** Throws a UserError with the cure if the clone does not have the commit. */
async function mustHave(commit: string, clone: string): Promise<void> {
  const why = `the build of ${commit.slice(0, 7)} is needed, to run beside this one`;
  const isShallow = await git(clone, ["rev-parse", "--is-shallow-repository"]).catch((cause: unknown) => {
    throw new UserError(`${why}: ${clone} is no clone with a history. Use \`git clone\`. ${String(cause)}`);
  });
  const { code } = await exec("git", ["cat-file", "-e", `${commit}^{commit}`], {
    cwd: clone,
    env: process.env,
  });
  if (code === 0) return;
  throw new UserError(
    isShallow === "true"
      ? `${why}, and this clone is shallow: run \`git fetch --unshallow\``
      : `${why}, and this clone does not have that commit: run \`git fetch\` from where it came from`,
  );
}

/**
 * Checks out an earlier commit from this clone's history, to run it beside the present one. It runs
 * unchanged, with the third-party packages that are installed here.
 */
export async function earlierBuild(commit: string, clone = ROOT): Promise<EarlierBuild> {
  await mustHave(commit, clone);
  const root = mkdtempSync(join(tmpdir(), "jichat-earlier-"));
  const remove = (): void => {
    rmSync(root, { recursive: true, force: true });
  };
  try {
    // A separate index, so that nothing in this clone changes.
    const index = { GIT_INDEX_FILE: join(root, ".index") };
    await git(clone, ["read-tree", commit], index);
    await git(clone, ["checkout-index", "--all", `--prefix=${root}/`], index);
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
  if (!pattern.endsWith("/*")) return [join(root, pattern)];
  const parent = join(root, pattern.slice(0, -2));
  return readdirSync(parent)
    .map((name) => join(parent, name))
    .filter((folder) => existsSync(join(folder, "package.json")));
}
