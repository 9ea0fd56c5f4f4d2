import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { constants, tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";

const PART = new URL("../src/local/part.ts", import.meta.url).href;

/** A zombie has ended: whoever inherited it has only not looked yet. */
const isThere = (pid: number): boolean => {
  try {
    return !/\) Z /.test(readFileSync(`/proc/${pid}/stat`, "utf8"));
  } catch {
    return false;
  }
};

test("a process that a signal ends stops all the parts that it started", async () => {
  const folder = mkdtempSync(join(tmpdir(), "jichat-part-"));
  const program = `
    const { Part } = await import(${JSON.stringify(PART)});
    const part = new Part({
      name: "sleeper", program: process.execPath, args: ["-e", "setInterval(() => {}, 1000)"], env: {},
      logFile: ${JSON.stringify(join(folder, "log"))},
    });
    part.start();
    console.log(part.pid);
    setInterval(() => {}, 1000);`;
  try {
    for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
      const parent = spawn(process.execPath, ["--input-type=module", "-e", program], {
        stdio: ["ignore", "pipe", "inherit"],
      });
      const [said] = (await once(parent.stdout, "data")) as [Buffer];
      const pid = Number(said.toString());
      assert.ok(isThere(pid));
      parent.kill(signal);
      const [code] = (await once(parent, "exit")) as [number | null];
      assert.equal(code, 128 + constants.signals[signal]);
      const end = performance.now() + 5_000;
      while (isThere(pid) && performance.now() < end)
        await new Promise((resolve) => {
          setTimeout(resolve, 20);
        });
      assert.equal(isThere(pid), false, `${signal} left the part behind`);
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
