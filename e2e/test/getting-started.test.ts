import assert from "node:assert/strict";
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { ROOT } from "@jichat/testkit/cache.ts";
import { exec } from "@jichat/testkit/exec.ts";
import { filesOf } from "@jichat/testkit/page-blocks.ts";
import { startStack } from "../src/scene.ts";

test(
  "the first program of docs/getting-started.md does what the page says",
  { timeout: 120_000 },
  async (t) => {
    const page = readFileSync(join(ROOT, "docs/getting-started.md"), "utf8");
    const program = filesOf(page).get("hello.ts");
    assert.ok(program !== undefined);
    const env = { "*": { PEOPLE_MUST_EXIST: "yes" } };
    const stack = await startStack(t, { routers: 1, connectors: 1, env });
    const folder = join(ROOT, ".data", `hello-${process.pid}`);
    mkdirSync(folder, { recursive: true });
    t.after(() => {
      rmSync(folder, { recursive: true });
    });
    const file = join(folder, "hello.ts");
    writeFileSync(file, program);
    const { code, stdout, stderr } = await exec(process.execPath, [file], {
      env: { ...process.env, API: stack.apiUrl },
    });
    assert.equal(code, 0, stderr);
    assert.match(stdout, /^stored as number 2 of d_\w+\nbob hears ann: \{ text: 'Hello Bob' \}\n$/);
  },
);
