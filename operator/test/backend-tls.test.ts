import type { BackendTls } from "@jichat/runtime/tls-material.ts";
import assert from "node:assert/strict";
import { test } from "node:test";
import { guardedBackends, pki } from "@jichat/testkit/local/guarded-backends.ts";
import { askBackends } from "../src/ask-backends.ts";
import { inputOf } from "./input.ts";

test("backends with a private CA and client certificates are reached with both, and not without", async (t) => {
  const certificates = await pki();
  const { client } = certificates;
  const { logins, ...urls } = await guardedBackends(t, certificates);
  const ask = async (tls: BackendTls | undefined) => {
    const input = inputOf(
      {
        partitions: 2,
        durability: { replicas: 1 },
        nats: { external: { url: urls.nats } },
        redis: { external: { url: urls.redis } },
        clickhouse: { external: { url: urls.clickhouse } },
      },
      {
        backendTls: tls === undefined ? {} : { nats: tls, redis: tls, clickhouse: tls },
        logins: { clickhouse: { username: "me", password: "secret" } },
      },
    );
    const { nats, redis, clickhouse } = await askBackends(input);
    return [nats, redis, clickhouse].map(({ state }) => state);
  };
  assert.deepEqual(await ask(client), ["ok", "ok", "ok"]);
  assert.deepEqual(logins, [`Basic ${Buffer.from("me:secret").toString("base64")}`]);
  for (const [why, tls] of [
    ["whose CA is not known", undefined],
    ["to whom no certificate was shown", { ca: client.ca }],
  ] as const)
    assert.ok(!(await ask(tls)).includes("ok"), `one was reached ${why}`);
});
