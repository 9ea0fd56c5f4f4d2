import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { test } from "node:test";
import { ROOT } from "../src/cache.ts";

/** As `make test` does it: one program after the other, whether they go well or not. */
const STAGES = `
  const { show } = await import(${JSON.stringify(join(ROOT, "testkit/src/exec.ts"))});
  const { main, say } = await import(${JSON.stringify(join(ROOT, "testkit/src/say.ts"))});
  await main(async () => {
    for (const stage of ["one", "two"]) {
      say(stage);
      await show("sh", ["-c", "echo begun; exec sleep 30"]);
    }
  });
`;

test(
  "a command that is stopped while a program runs waits for its end, and starts no other program",
  { timeout: 20_000 },
  async () => {
    for (const signal of ["SIGINT", "SIGTERM"] as const) {
      const child = spawn(process.execPath, ["--input-type=module", "-e", STAGES], {
        stdio: ["ignore", "pipe", "pipe"],
      });
      const told = text(child.stderr);
      await once(child.stdout, "data");
      child.kill(signal);
      const [code] = (await once(child, "exit")) as [number | null];
      assert.equal(code, 1, signal);
      assert.match(await told, /stopped\n$/);
      assert.deepEqual([/one/.test(await told), /two/.test(await told)], [true, false]);
    }
  },
);
