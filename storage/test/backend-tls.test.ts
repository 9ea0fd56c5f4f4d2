import assert from "node:assert/strict";
import { test } from "node:test";
import { pino } from "pino";
import { connectNats } from "@jichat/runtime/nats.ts";
import { connectRedis } from "@jichat/presence/redis.ts";
import { guardedBackends, pki } from "@jichat/testkit/local/guarded-backends.ts";
import { until } from "@jichat/testkit/until.ts";
import { connectClickHouse } from "../src/clickhouse.ts";

const log = pino({ level: "silent" });

test("the connections of a component to its backends work with a private CA, mTLS and a login", async (t) => {
  const certificates = await pki();
  const { client } = certificates;
  const { logins, ...urls } = await guardedBackends(t, certificates);
  const nats = await connectNats(urls.nats, "test", log, client);
  await nats.flush();
  await nats.close();
  const redis = connectRedis(urls.redis, { log, tls: client });
  await until("Redis is ready", 5_000, () => redis.status === "ready");
  await redis.time();
  redis.disconnect();
  const url = urls.clickhouse.replace("//", "//me:secret@");
  const store = await connectClickHouse({ clickhouseUrl: url, clickhouseTls: client }, "test");
  await store.command("SELECT 1");
  await store.close();
  assert.deepEqual([...new Set(logins)], [`Basic ${Buffer.from("me:secret").toString("base64")}`]);
});
