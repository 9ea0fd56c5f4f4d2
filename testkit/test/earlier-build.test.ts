import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { test } from "node:test";
import { earlierBuild } from "../src/earlier-build.ts";

function emptyFolder(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), "jichat-archive-"));
  t.after(() => {
    rmSync(folder, { recursive: true });
  });
  return folder;
}

test("an earlier build is unpacked with the shared packages, and with its own where the archive has them", async (t) => {
  const folder = emptyFolder(t);
  mkdirSync(join(folder, "build/whole"), { recursive: true });
  writeFileSync(join(folder, "build/package.json"), '{"workspaces":["whole","gone"]}');
  writeFileSync(join(folder, "build/whole/package.json"), '{"name":"@jichat/whole"}');
  const archive = join(folder, "build.tar.gz");
  execFileSync("tar", ["-czf", archive, "-C", join(folder, "build"), "."]);
  const { root, remove } = await earlierBuild(archive);
  assert.equal(realpathSync(join(root, "node_modules/@jichat/whole")), realpathSync(join(root, "whole")));
  assert.ok(existsSync(join(root, "node_modules/pino/package.json")));
  remove();
  assert.ok(!existsSync(root));
});

test("a missing or broken archive is named in the error", async (t) => {
  const broken = join(emptyFolder(t), "broken.tar.gz");
  writeFileSync(broken, "no archive");
  for (const archive of [broken, `${broken}.gone`])
    await assert.rejects(earlierBuild(archive), (error) => {
      assert.ok(error instanceof Error && error.message.includes(archive));
      return true;
    });
});
