import assert from "node:assert/strict";
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { ROOT } from "@jichat/testkit/cache.ts";
import { exec } from "@jichat/testkit/exec.ts";

/** An npm that takes its time, and fails where another one is at work already. */
const NPM = `#!/bin/sh
mkdir busy || exit 1
echo "$1" >>calls
sleep 0.5
mkdir -p node_modules
rmdir busy
`;

test("two commands that start together in a fresh clone install once, and both continue", async (t) => {
  const root = mkdtempSync(join(tmpdir(), "jichat-bootstrap-"));
  t.after(() => {
    rmSync(root, { recursive: true, force: true });
  });
  for (const folder of ["tools/src", "bin"]) mkdirSync(join(root, folder), { recursive: true });
  copyFileSync(join(ROOT, "tools/bootstrap.sh"), join(root, "tools/bootstrap.sh"));
  writeFileSync(join(root, "package-lock.json"), "{}");
  writeFileSync(join(root, "tools/src/hello.ts"), 'console.log(`hello ${process.argv[2] ?? ""}`);');
  writeFileSync(join(root, "bin/npm"), NPM, { mode: 0o755 });
  const env = {
    ...process.env,
    PATH: `${join(root, "bin")}:${process.env["PATH"] ?? ""}`,
    XDG_CACHE_HOME: join(root, "cache"),
  };
  const begin = (name: string) => exec(join(root, "tools/bootstrap.sh"), ["hello", name], { env });
  const told = await Promise.all([begin("one"), begin("two")]);
  assert.deepEqual(
    told.map(({ code, stdout }) => [code, stdout.trim()]),
    [
      [0, "hello one"],
      [0, "hello two"],
    ],
    told.map(({ stderr }) => stderr).join("\n"),
  );
  assert.deepEqual(readFileSync(join(root, "calls"), "utf8").trim().split("\n"), ["ci"]);
});
