import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { ROOT } from "@jichat/testkit/cache.ts";
import { startThrowaway } from "@jichat/testkit/local/throwaway.ts";
import { needPromtool } from "@jichat/testkit/needs.ts";

const RULES = join(ROOT, "chart/files/rules/alerts.yaml");

async function promtool(
  args: readonly string[],
  input = "",
): Promise<{ status: number | null; said: string }> {
  const { path, env } = await needPromtool();
  const { status, stdout, stderr } = spawnSync(path, args, {
    input,
    encoding: "utf8",
    env: { ...process.env, ...env },
  });
  return { status, said: stdout + stderr };
}

test("Prometheus accepts the alert rules unchanged", async () => {
  const { status, said } = await promtool(["check", "rules", "--lint-fatal", RULES]);
  assert.equal(status, 0, said);
});

test("each alert has a test, and fires at its time and not before", async (t) => {
  const folder = mkdtempSync(join(tmpdir(), "jichat-alerts-"));
  t.after(() => {
    rmSync(folder, { recursive: true });
  });
  const cases = readFileSync(join(import.meta.dirname, "alerts.test.yaml"), "utf8");
  const file = join(folder, "cases.yaml");
  writeFileSync(file, cases.replace("[RULES]", JSON.stringify([RULES])));
  const { status, said } = await promtool(["test", "rules", file]);
  assert.equal(status, 0, said);
  const alerts = [...readFileSync(RULES, "utf8").matchAll(/alert: (\w+)/g)].map(([, name]) => name ?? "");
  assert.deepEqual(
    alerts.filter((name) => !cases.includes(`alertname: ${name}`)),
    [],
  );
});

test(
  "the metrics of each part are well-formed, and include every metric of an alert",
  { timeout: 120_000 },
  async (t) => {
    const { stack, destroy } = await startThrowaway({ push: { workers: 1 } });
    t.after(destroy);
    // A histogram is there from its first value on.
    await fetch(`${stack.apiUrl}/v1/config`);
    const pages: string[] = [];
    for (const { spec } of stack.parts) {
      if (spec.adminPort === undefined) continue;
      const page = await (await fetch(`http://127.0.0.1:${spec.adminPort}/metrics`)).text();
      const { status, said } = await promtool(["check", "metrics"], page);
      assert.equal(status, 0, `${spec.name}: ${said}`);
      pages.push(page);
    }
    const exposed = new Set(
      pages.flatMap((page) => [...page.matchAll(/^# TYPE (\S+)/gm)].map(([, name]) => name)),
    );
    const asked = new Set(readFileSync(RULES, "utf8").match(/jichat_(?!operator)\w+/g));
    assert.deepEqual(
      [...asked].filter((name) => !name.endsWith("_bucket") && !exposed.has(name)),
      [],
    );
    assert.ok(
      pages.some((page) => page.includes("jichat_api_request_bucket{")),
      "a histogram's buckets are named as the alerts name them",
    );
  },
);
