import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { existsSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { test } from "node:test";
import { earlierBuild } from "../src/earlier-build.ts";

function emptyFolder(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), "jichat-history-"));
  t.after(() => {
    rmSync(folder, { recursive: true });
  });
  return folder;
}

const git = (cwd: string, ...args: readonly string[]): string =>
  execFileSync("git", ["-c", "user.name=t", "-c", "user.email=t@example.com", ...args], {
    cwd,
    encoding: "utf8",
  }).trim();

/** A history of two commits: a file `old` and a package, then neither. */
function history(t: TestContext): { clone: string; first: string } {
  const clone = emptyFolder(t);
  git(clone, "init", "--quiet");
  writeFileSync(join(clone, "old"), "1");
  writeFileSync(join(clone, "package.json"), '{"name":"@jichat/whole","workspaces":["."]}');
  git(clone, "add", ".");
  git(clone, "commit", "--quiet", "--message=first");
  const first = git(clone, "rev-parse", "HEAD");
  git(clone, "rm", "--quiet", "old");
  git(clone, "commit", "--quiet", "--message=second");
  return { clone, first };
}

test("an earlier commit is checked out beside the clone, with the packages of both", async (t) => {
  const { clone, first } = history(t);
  const { root, remove } = await earlierBuild(first, clone);
  assert.ok(existsSync(join(root, "old")) && !existsSync(join(clone, "old")));
  assert.equal(realpathSync(join(root, "node_modules/@jichat/whole")), realpathSync(root));
  assert.ok(existsSync(join(root, "node_modules/pino/package.json")));
  assert.equal(git(clone, "status", "--porcelain"), "", "the clone is as it was");
  remove();
  assert.ok(!existsSync(root));
});

test("where the commit is not there, what to do is said", async (t) => {
  const { clone, first } = history(t);
  const shallow = emptyFolder(t);
  git(shallow, "clone", "--quiet", "--depth=1", `file://${clone}`, ".");
  await assert.rejects(earlierBuild(first, shallow), {
    message: /this clone is shallow: run `git fetch --unshallow`/,
  });
  const other = first.replaceAll(/[0-9a-f]/g, "1");
  await assert.rejects(earlierBuild(other, clone), { message: /does not have that commit: run `git fetch`/ });
  const none = emptyFolder(t);
  await assert.rejects(earlierBuild(first, none), { message: /is no clone with a history/ });
});
