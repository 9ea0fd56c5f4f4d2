import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { isDeepStrictEqual } from "node:util";
import { Part } from "@jichat/testkit/local/part.ts";
import { freePorts } from "@jichat/testkit/local/ports.ts";
import { needNats } from "@jichat/testkit/needs.ts";
import { until } from "@jichat/testkit/until.ts";
import { bringUsers } from "../src/ask-users.ts";
import type { Keys } from "../src/desired/keys.ts";
import { credentialOf } from "../src/desired/keys.ts";
import { natsConfig } from "../src/desired/nats.ts";
import { keysFor } from "../src/desired/rotation.ts";
import type { DesiredInput } from "../src/desired/desired-input.ts";
import type { UsersSeen } from "../src/plan.ts";
import { KEYS, inputOf } from "./input.ts";

const SERVERS = 3;

test("each of three nats-servers reads its users, and one that has not or is gone is named", async (t) => {
  const folder = mkdtempSync(join(tmpdir(), "jichat-three-"));
  const ports = await freePorts(3 * SERVERS);
  const clientPorts = ports.slice(0, SERVERS);
  const routePorts = ports.slice(SERVERS, 2 * SERVERS);
  const external = { external: { url: "redis://127.0.0.1:1" } };
  const of = (keys: Keys): DesiredInput =>
    inputOf(
      {
        partitions: 1,
        nats: { managed: { replicas: SERVERS } },
        redis: external,
        clickhouse: { embedded: { storage: { size: "1Gi" } } },
      },
      { keys },
    );
  const routes = routePorts.map((port) => `nats://127.0.0.1:${port}`).join(", ");
  const put = (keys: Keys, at: number): void => {
    const config = natsConfig(of(keys))
      .replace("port: 4222", `host: 127.0.0.1\nport: ${clientPorts[at]}`)
      .replace("http_port: 8222", `http_port: ${ports[2 * SERVERS + at]}`)
      .replace("port: 6222", `port: ${routePorts[at]}`)
      .replace(/routes: \[.*\]/, `routes: [${routes}]`)
      .replace('store_dir: "/data"', `store_dir: ${JSON.stringify(join(folder, String(at)))}`);
    writeFileSync(join(folder, `${at}.conf`), config);
  };
  const { path: program, env } = await needNats();
  const parts = clientPorts.map((port, at) => {
    put(KEYS, at);
    return new Part({
      name: `nats-${at}`,
      program,
      env: { ...env, POD_NAME: `chat-nats-${at}` },
      args: ["-c", join(folder, `${at}.conf`)],
      port,
      logFile: join(folder, `${at}.log`),
    });
  });
  t.after(async () => {
    await Promise.all(parts.map((part) => part.stop(5_000)));
    rmSync(folder, { recursive: true, force: true });
  });
  for (const part of parts) part.start();
  await Promise.all(parts.map((part) => part.ready(20_000)));
  const bring = async (keys: Keys, at = 0): Promise<UsersSeen> =>
    bringUsers(of(keys), {
      askClickHouse: async () => assert.fail("there is none"),
      doors: (backend, user) => {
        const { user: name, password } = credentialOf(keys, backend, user);
        return { url: `nats://${name}:${password}@127.0.0.1:${clientPorts[at]}`, tls: undefined };
      },
    });
  await until("all three know each other", 20_000, async () => (await bring(KEYS)).state === "taken");

  const offered = keysFor(KEYS, "now", { lives: KEYS.lives, now: 0 });
  put(offered, 0);
  put(offered, 2);
  // A server tells of what it has read a moment behind its answer: the operator looks again.
  const tells = async (at: number, wanted: UsersSeen): Promise<void> => {
    await until(`${wanted.state}: ${wanted.message}`, 10_000, async () =>
      isDeepStrictEqual(await bring(offered, at), wanted),
    );
  };
  await tells(1, { state: "late", message: "NATS: chat-nats-1 has not read its users yet" });
  put(offered, 1);
  await tells(2, { state: "taken", message: "" });
  await parts[2]?.stop(5_000);
  await tells(1, { state: "late", message: "NATS: 2 of 3 servers answer" });
});
