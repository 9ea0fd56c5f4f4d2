import assert from "node:assert/strict";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { ROOT } from "@jichat/testkit/cache.ts";
import type { Result } from "@jichat/testkit/exec.ts";
import { exec } from "@jichat/testkit/exec.ts";
import type { Stack } from "@jichat/testkit/local/stack.ts";
import { startThrowaway } from "@jichat/testkit/local/throwaway.ts";
import { until } from "@jichat/testkit/until.ts";

const MESSAGES = 60;
let stack: Stack;
let destroy: () => Promise<void>;
let token: string;
let conversation: string;

before(async () => {
  ({ stack, destroy } = await startThrowaway({ env: { api: { REQUESTS_PER_SECOND: "1000" } } }));
  await post("/v1/users", { user: "ann", password: "correct horse" });
  token = String((await post("/v1/sessions", { user: "ann", password: "correct horse" }))["token"]);
  conversation = String(
    (await post("/v1/conversations", { id: "g", kind: "group", name: "G", members: ["bob"] }))[
      "conversation"
    ],
  );
  for (let i = 0; i < MESSAGES; i += 1)
    await post(`/v1/conversations/${conversation}/messages`, { id: `m${i}`, body: { i } });
});
after(async () => destroy?.());

async function post(path: string, body: object): Promise<Record<string, unknown>> {
  const headers = {
    "content-type": "application/json",
    ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
  };
  return (await (
    await fetch(stack.apiUrl + path, { method: "POST", headers, body: JSON.stringify(body) })
  ).json()) as Record<string, unknown>;
}

const environment = (): NodeJS.ProcessEnv => ({ ...process.env, ...stack.storage.spec.env, ADMIN_PORT: "0" });
const storage = (...args: string[]): Promise<Result> =>
  exec(process.execPath, [...stack.storage.spec.args, ...args], { env: environment() });

/** A statement on the embedded engine, in a process of its own: one process owns the folder at a time. */
async function statement(sql: string): Promise<void> {
  const script = `
    const { connectClickHouse } = await import(${JSON.stringify(join(ROOT, "storage/src/clickhouse.ts"))});
    const { readConfig } = await import(${JSON.stringify(join(ROOT, "storage/src/config.ts"))});
    const store = await connectClickHouse(readConfig(process.env), "jichat");
    await store.command(${JSON.stringify(sql)});
    await store.close();
    process.exit(0);`;
  const { code, stderr } = await exec(process.execPath, ["--input-type=module", "-e", script], {
    env: environment(),
  });
  assert.equal(code, 0, stderr);
}

test(
  "`verify` finds a lost and a changed row, and `replay` rebuilds the range from the log",
  { timeout: 120_000 },
  async () => {
    await until("every row is written", 30_000, async () => {
      const metrics = await fetch(`http://127.0.0.1:${stack.storage.spec.adminPort}/metrics`);
      return /^jichat_storage_lag_batches(\{.*\})? 0$/m.test(await metrics.text());
    });
    await stack.storage.stop(10_000);
    assert.equal((await storage("verify")).code, 0);
    await statement("ALTER TABLE {db}.events DELETE WHERE seq = 10 SETTINGS mutations_sync = 1");
    await statement(
      "ALTER TABLE {db}.events UPDATE body = '{\"i\":-1}' WHERE seq = 20 SETTINGS mutations_sync = 1",
    );
    const broken = await storage("verify");
    assert.equal(broken.code, 1);
    const differing = broken.stdout
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line) as { partition: number; equal: boolean })
      .filter(({ equal }) => !equal);
    assert.equal(differing.length, 1);

    const replayed = await storage("replay", "--partition", String(differing[0]?.partition));
    assert.equal(replayed.code, 0, replayed.stderr);
    assert.equal((await storage("verify")).code, 0);
    stack.storage.start();
    await stack.storage.ready(20_000);
    const headers = { authorization: `Bearer ${token}` };
    const page = (await (
      await fetch(`${stack.apiUrl}/v1/conversations/${conversation}/events?after=1&limit=200`, { headers })
    ).json()) as { events: { body: { i: number } }[] };
    assert.deepEqual(
      page.events.map(({ body }) => body.i),
      Array.from({ length: MESSAGES }, (_, i) => i),
    );
  },
);

test("a newer schema and a changed migration are refused with an error", { timeout: 60_000 }, async () => {
  await stack.storage.stop(10_000);
  await statement("INSERT INTO {db}.migrations (version, checksum) VALUES (99, 'x')");
  const newer = await storage();
  assert.equal(newer.code, 1);
  assert.match(
    newer.stderr,
    /schema has version 99; this build knows version \d+ and level \d+: use a newer JiChat/,
  );
  await statement("ALTER TABLE {db}.migrations DELETE WHERE version = 99 SETTINGS mutations_sync = 1");
  await statement(
    "ALTER TABLE {db}.migrations UPDATE checksum = 'other' WHERE version = 1 SETTINGS mutations_sync = 1",
  );
  const changed = await storage();
  assert.equal(changed.code, 1);
  assert.match(changed.stderr, /migration 1 was changed after it was applied/);
});

test(
  "a bad configuration ends the start with one message that names every bad key",
  { timeout: 30_000 },
  async () => {
    const { code, stderr } = await exec(process.execPath, [...stack.storage.spec.args], {
      env: {
        ...environment(),
        FLUSH_MS: "fast",
        PARTITIONS: "0",
        CLUSTER: "a.b",
        LOG_LEVEL: "loud",
        NATS_URL: "http://nowhere",
      },
    });
    assert.equal(code, 1);
    for (const key of ["FLUSH_MS", "PARTITIONS", "CLUSTER", "LOG_LEVEL", "NATS_URL: address 1"])
      assert.match(stderr, new RegExp(`${key} is n`));
    const both = await exec(process.execPath, [...stack.storage.spec.args], {
      env: { ...environment(), CLICKHOUSE_URL: "http://127.0.0.1:1" },
    });
    assert.match(both.stderr, /exactly one of CLICKHOUSE_URL and CLICKHOUSE_EMBEDDED_PATH/);
  },
);
