import { encodeBatch } from "@jichat/protocol/log/encode-batch.ts";
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { namesOf } from "@jichat/protocol/bus/names.ts";
import { systemClock } from "@jichat/protocol/clock.ts";
import { groupConversation, partitionOf } from "@jichat/protocol/ids.ts";
import type { Batch, EventRecord } from "@jichat/protocol/log/record.ts";
import { connectNats } from "@jichat/runtime/nats.ts";
import { openCluster } from "@jichat/log/open-cluster.ts";
import { PartitionLog } from "@jichat/log/partition-log.ts";
import { pino } from "pino";
import { exec } from "@jichat/testkit/exec.ts";
import type { Stack } from "@jichat/testkit/local/stack.ts";
import { startThrowaway } from "@jichat/testkit/local/throwaway.ts";
import type { Ask } from "./ask.ts";
import { askAsAnn } from "./ask.ts";

const PARTITIONS = 4;
const logger = pino({ level: "silent" });
let stack: Stack;
let destroy: () => Promise<void>;
let ask: Ask;

before(async () => {
  ({ stack, destroy } = await startThrowaway({ env: { "*": { PARTITIONS: String(PARTITIONS) } } }));
  ask = await askAsAnn(stack);
});
after(async () => destroy?.());

/** As routers of an earlier version wrote it: REST took text that is no Unicode. */
async function appendEarlier(conversation: string): Promise<void> {
  const nats = await connectNats(stack.natsUrl, "test", logger);
  const names = namesOf("jichat");
  const settings = { partitions: PARTITIONS, replicas: 1, logBytesMax: 1_073_741_824 } as const;
  const { jsm } = await openCluster(nats, names, settings, {
    log: logger,
    signal: new AbortController().signal,
  });
  const log = new PartitionLog(jsm, names, partitionOf(conversation, PARTITIONS));
  const ts = systemClock.now();
  const origin = { r: "event", conversation, from: "ann", ts, device: "d", session: "s" } as const;
  const records: EventRecord[] = [
    { ...origin, seq: 1, no: 0, kind: "created", id: "made \ud83d", users: ["ann"], name: "cut \ud83d" },
    {
      ...origin,
      seq: 2,
      no: 1,
      kind: "message",
      id: "\ude00 said",
      body: '{"text":"half \\ud83d"}' as never,
    },
    { ...origin, seq: 3, no: 1, kind: "renamed", id: "\ude00\ud83d", name: "\ude00\ud83d" },
  ];
  const end = await log.end();
  const batch: Batch = { v: 1, owner: "earlier", number: 0, epoch: true, done: end, ts, records };
  const { outcome } = await log.append(encodeBatch(batch), end);
  assert.equal(outcome, "stored");
  await nats.close();
}

async function untilWritten(): Promise<void> {
  const url = `http://127.0.0.1:${stack.storage.spec.adminPort}/metrics`;
  let said = "";
  for (let tries = 0; tries < 100; tries += 1) {
    said = await (await fetch(url)).text();
    if (/^jichat_storage_lag_batches\S* 0\b/m.test(said)) return;
    await systemClock.sleep(100);
  }
  assert.fail(said);
}

test(
  "a log of an earlier version is written and verified completely, and its broken text is served as U+FFFD",
  { timeout: 120_000 },
  async () => {
    const [router] = stack.routers;
    assert.ok(router !== undefined);
    await Promise.all([router.stop(10_000), stack.storage.stop(10_000)]);
    const conversation = groupConversation("ann", "bad");
    await appendEarlier(conversation);
    stack.storage.start();
    router.start();
    await Promise.all([stack.storage.ready(30_000), router.ready(30_000)]);

    // Its neighbours, in the same partition and in others, go on.
    for (let i = 0; i < 8; i += 1) {
      const made = await ask("/v1/conversations", { id: `good${i}`, kind: "group", name: "G", members: [] });
      assert.equal(made["code"], undefined, JSON.stringify(made));
    }
    await ask(`/v1/conversations/${conversation}/messages`, { id: "next", body: { text: "next" } });
    await untilWritten();

    for (const isCold of [false, true]) {
      if (isCold) {
        await stack.storage.stop(10_000);
        stack.storage.start();
        await stack.storage.ready(30_000);
      }
      const page = await ask(`/v1/conversations/${conversation}/events?after=0&limit=10`);
      const events = page["events"] as { id: string; name?: string; body?: object }[];
      assert.deepEqual(
        events.map(({ id, name, body }) => [id, name, body]),
        [
          ["made \ufffd", "cut \ufffd", undefined],
          ["\ufffd said", undefined, { text: "half \ufffd" }],
          ["\ufffd\ufffd", "\ufffd\ufffd", undefined],
          ["next", undefined, { text: "next" }],
        ],
      );
    }
    const metrics = await (await fetch(`http://127.0.0.1:${stack.storage.spec.adminPort}/metrics`)).text();
    assert.match(metrics, /^jichat_storage_quarantined_rows_total\S* \d+/m);
    await stack.storage.stop(10_000);
    const environment = { ...process.env, ...stack.storage.spec.env, ADMIN_PORT: "0" };
    for (const verb of ["verify", "replay", "verify"]) {
      const { code, stdout, stderr } = await exec(process.execPath, [...stack.storage.spec.args, verb], {
        env: environment,
      });
      assert.equal(code, 0, stdout + stderr);
      assert.match(stdout, /"replaced":3/);
    }
  },
);
