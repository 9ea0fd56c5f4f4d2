import assert from "node:assert/strict";
import { test } from "node:test";
import { pino } from "pino";
import { readSaidLevel } from "@jichat/protocol/level.ts";
import { startAdmin } from "./admin.ts";

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
