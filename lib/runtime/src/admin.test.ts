import assert from "node:assert/strict";
import { test } from "node:test";
import { pino } from "pino";
import { ChatError } from "@jichat/protocol/errors.ts";
import { readSaidLevel } from "@jichat/protocol/level.ts";
import { adminToken, startAdmin } from "./admin.ts";

test("/livez and /readyz each name their own reason, and a process without one is alive", async () => {
  const config = { adminPort: 0, adminHost: "127.0.0.1", clusterKeys: ["k"] };
  const telemetry = { log: pino({ level: "silent" }), scrape: async () => "" };
  let [notLive, notReady]: (string | undefined)[] = [undefined, undefined];
  const full = await startAdmin(config, telemetry, { notLive: () => notLive, notReady: () => notReady });
  const bare = await startAdmin(config, telemetry, { notReady: () => "starting" });
  const ask = async (port: number, path: string): Promise<[number, string]> => {
    const answer = await fetch(`http://127.0.0.1:${port}${path}`);
    return [answer.status, await answer.text()];
  };
  assert.deepEqual(await ask(full.port, "/livez"), [200, "ok\n"]);
  notReady = "partition 3 waits";
  assert.deepEqual(await ask(full.port, "/livez"), [200, "ok\n"]);
  assert.deepEqual(await ask(full.port, "/readyz"), [503, "partition 3 waits\n"]);
  notLive = "no progress";
  assert.deepEqual(await ask(full.port, "/livez"), [503, "no progress\n"]);
  assert.deepEqual(await ask(bare.port, "/livez"), [200, "ok\n"]);
  full.stop();
  bare.stop();
});

test("/faults lists the faults, and a component that has none to report answers 404", async () => {
  const config = { adminPort: 0, adminHost: "127.0.0.1", clusterKeys: ["k"] };
  const telemetry = { log: pino({ level: "silent" }), scrape: async () => "" };
  const fault = { fault: "LogFull", partitions: [3], why: "w" } as const;
  const notReady = (): undefined => undefined;
  const full = await startAdmin(config, telemetry, { notReady, faults: () => [fault] });
  const bare = await startAdmin(config, telemetry, { notReady });
  const told = await fetch(`http://127.0.0.1:${full.port}/faults`);
  assert.deepEqual(await told.json(), [fault]);
  assert.equal((await fetch(`http://127.0.0.1:${bare.port}/faults`)).status, 404);
  full.stop();
  bare.stop();
});

test("/level has the newest known level and the cluster's, and a component without a level answers 404", async () => {
  const config = { adminPort: 0, adminHost: "127.0.0.1", clusterKeys: ["k"] };
  const telemetry = { log: pino({ level: "silent" }), scrape: async () => "" };
  const notReady = (): undefined => undefined;
  const level = { known: 1, cluster: 0 };
  const full = await startAdmin(config, telemetry, { notReady, level: () => level });
  const bare = await startAdmin(config, telemetry, { notReady });
  const told = await fetch(`http://127.0.0.1:${full.port}/level`);
  assert.deepEqual(readSaidLevel(await told.text()), level);
  assert.equal((await fetch(`http://127.0.0.1:${bare.port}/level`)).status, 404);
  full.stop();
  bare.stop();
});

test("orders need the token, are bounded, and are answered with the reason if they cannot be", async (t) => {
  const config = { adminPort: 0, adminHost: "127.0.0.1", clusterKeys: ["k"] };
  const telemetry = { log: pino({ level: "silent" }), scrape: async () => "" };
  const taken: string[] = [];
  const orders = (name: string) => ({
    order: (body: string) => {
      if (body === "no") throw new ChatError("INVALID", "`no` is no order");
      if (body === "late") throw new ChatError("CONFLICT", "this process ends");
      if (body === "defect") throw new TypeError("a defect");
      taken.push(`${name} ${body}`);
    },
    report: () => `${name} so far\n`,
  });
  const admin = await startAdmin(config, telemetry, {
    notReady: () => undefined,
    drain: { ...orders("drain"), cancel: () => taken.push("cancel") },
    shed: orders("shed"),
  });
  const bare = await startAdmin(config, telemetry, { notReady: () => undefined });
  t.after(() => {
    admin.stop();
    bare.stop();
  });
  const authorization = `Bearer ${adminToken("k")}`;
  const ask = async (how: string, body?: string, port = admin.port): Promise<[number, string]> => {
    const [method = "", path = ""] = how.split(" ");
    const headers = method === "GET" ? {} : { authorization };
    const answer = await fetch(`http://127.0.0.1:${port}${path}`, { method, headers, body: body ?? null });
    return [answer.status, await answer.text()];
  };
  assert.deepEqual(await ask("GET /drain"), [200, "drain so far\n"]);
  assert.deepEqual(await ask("GET /shed"), [200, "shed so far\n"]);
  assert.deepEqual(await ask("POST /drain", "a"), [202, "drain so far\n"]);
  assert.deepEqual(await ask("POST /drain"), [202, "drain so far\n"]);
  assert.deepEqual(await ask("DELETE /drain"), [202, "drain so far\n"]);
  assert.deepEqual(await ask("POST /shed", "x".repeat(4_096)), [202, "shed so far\n"]);
  assert.deepEqual(await ask("POST /shed", "x".repeat(4_097)), [413, "the body has more than 4096 bytes\n"]);
  assert.equal((await ask("POST /shed", "x".repeat(2_000_000)))[0], 413);
  assert.deepEqual(await ask("POST /shed", "no"), [400, "`no` is no order\n"]);
  assert.deepEqual(await ask("POST /drain", "late"), [409, "this process ends\n"]);
  assert.deepEqual(await ask("POST /drain", "defect"), [500, ""]);
  assert.equal((await ask("DELETE /shed"))[0], 404, "a shed of 0 ends it");
  assert.deepEqual(taken, ["drain a", "drain ", "cancel", `shed ${"x".repeat(4_096)}`]);
  for (const path of ["/drain", "/shed"]) {
    assert.equal((await ask(`GET ${path}`, undefined, bare.port))[0], 404);
    assert.equal((await ask(`POST ${path}`, "a", bare.port))[0], 404);
    const unsigned = await fetch(`http://127.0.0.1:${admin.port}${path}`, { method: "POST", body: "a" });
    assert.deepEqual(
      [unsigned.status, await unsigned.text()],
      [401, "the cluster's admin token is needed\n"],
    );
  }
});
