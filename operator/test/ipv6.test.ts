import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { createConnection } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { Part } from "@jichat/testkit/local/part.ts";
import { freePorts } from "@jichat/testkit/local/ports.ts";
import { needNats, needRedis } from "@jichat/testkit/needs.ts";
import { askBackends } from "../src/ask-backends.ts";
import { said } from "../src/admin-port.ts";
import { originOf } from "../src/desired/urls.ts";
import { REDIS_CONFIG, redisAcl } from "../src/desired/caches.ts";
import { natsConfig } from "../src/desired/nats.ts";
import { inputOf } from "./input.ts";

/** A connection to an address, or why there is none. */
const reach = async (host: string, port: number): Promise<string> =>
  new Promise((resolve) => {
    const socket = createConnection({ host, port });
    socket.once("error", (error) => {
      resolve(error.message);
    });
    socket.once("connect", () => {
      socket.destroy();
      resolve("reached");
    });
  });

test("managed servers listen on both IP families with their generated files, and backends have IPv6 URLs", async (t) => {
  const folder = mkdtempSync(join(tmpdir(), "jichat-ipv6-"));
  const [natsPort = 0, redisPort = 0, monitor = 0] = await freePorts(3);
  const input = inputOf({ partitions: 2, durability: { replicas: 1 }, nats: { managed: { replicas: 1 } } });
  const conf = natsConfig(input)
    .replace("port: 4222", `port: ${natsPort}`)
    .replace("http_port: 8222", `http_port: ${monitor}`)
    .replace('"/data"', JSON.stringify(join(folder, "js")));
  writeFileSync(join(folder, "nats.conf"), conf);
  writeFileSync(join(folder, "users.acl"), redisAcl(input));
  const redisConf = REDIS_CONFIG.replace("port 6379", `port ${redisPort}`)
    .replace("/etc/redis/users.acl", join(folder, "users.acl"))
    .replace("dir /tmp", `dir ${folder}`);
  writeFileSync(join(folder, "redis.conf"), redisConf);
  const needed = { nats: await needNats(), redis: await needRedis() };
  const part = (name: "nats" | "redis", args: string[], port: number): Part =>
    new Part({
      name,
      program: needed[name].path,
      env: { ...needed[name].env, POD_NAME: "chat-nats-0" },
      args,
      port,
      logFile: join(folder, `${name}.log`),
    });
  const nats = part("nats", ["-c", join(folder, "nats.conf")], natsPort);
  const redis = part("redis", [join(folder, "redis.conf")], redisPort);
  const door = createServer((request, response) => {
    response.end(request.url?.startsWith("/metrics") === true ? "jichat_x 7\n" : "1\n");
  });
  await new Promise<void>((resolve) => {
    door.listen(0, "::1", resolve);
  });
  for (const one of [nats, redis]) one.start();
  t.after(async () => {
    await Promise.all([nats.stop(5_000), redis.stop(5_000)]);
    door.close();
    door.closeAllConnections();
    rmSync(folder, { recursive: true });
  });
  await Promise.all([nats.ready(20_000), redis.ready(20_000)]);
  for (const port of [natsPort, redisPort, monitor])
    for (const host of ["127.0.0.1", "::1"])
      assert.equal(await reach(host, port), "reached", `${host} ${port}`);

  const { keys } = input;
  const login = (backend: string) => ({
    username: "operator-1",
    password: keys.passwords[`${backend}/operator`] ?? "",
  });
  const { port } = door.address() as AddressInfo;
  const outside = inputOf(
    {
      partitions: 2,
      durability: { replicas: 1 },
      nats: { external: { url: `nats://[::1]:${natsPort}` } },
      redis: { external: { url: `redis://[::1]:${redisPort}` } },
      clickhouse: { external: { url: `http://[::1]:${port}` } },
    },
    { logins: { nats: login("nats"), redis: login("redis") } },
  );
  const { nats: ofNats, redis: ofRedis, clickhouse } = await askBackends(outside);
  assert.deepEqual(
    [ofNats, ofRedis, clickhouse].map(({ message }) => message),
    Array(3).fill("answers"),
  );
  assert.equal(await said(`${originOf("http", "::1", port)}/metrics`), "jichat_x 7\n");
});
