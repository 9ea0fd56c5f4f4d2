import assert from "node:assert/strict";
import { test } from "node:test";
import { pino } from "pino";
import { namesOf } from "@jichat/protocol/bus/names.ts";
import { connectNats } from "@jichat/runtime/nats.ts";
import { Presence } from "@jichat/presence/presence.ts";
import { guardedBackends, pki } from "@jichat/testkit/local/guarded-backends.ts";
import { until } from "@jichat/testkit/until.ts";
import { connectClickHouse } from "../src/clickhouse.ts";

const log = pino({ level: "silent" });

test("what a component speaks to backends with passes a CA of one's own and mTLS, the login beside it", async (t) => {
  const certificates = await pki();
  const { client } = certificates;
  const { logins, ...urls } = await guardedBackends(t, certificates);
  const nats = await connectNats(urls.nats, "test", log, client);
  await nats.flush();
  await nats.close();
  const presence = Presence.connect(urls.redis, namesOf("test"), log, { tls: client });
  await until("Redis is ready", 5_000, () => presence.ready);
  presence.stop();
  const url = urls.clickhouse.replace("//", "//me:secret@");
  const store = await connectClickHouse({ clickhouseUrl: url, clickhouseTls: client }, "test");
  await store.command("SELECT 1");
  await store.close();
  assert.deepEqual([...new Set(logins)], [`Basic ${Buffer.from("me:secret").toString("base64")}`]);
});
