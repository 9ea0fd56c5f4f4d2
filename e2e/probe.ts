import { Stack } from "../tools/src/local/stack.ts";
import { needChdb, needNats, needRedis } from "../tools/src/needs.ts";
import { Ledger } from "./src/ledger.ts";
import { Crowd } from "./src/crowd.ts";
import { rmSync } from "node:fs";
const t0 = performance.now();
const log = (...a: unknown[]) => console.log(((performance.now() - t0) / 1000).toFixed(2), ...a);
rmSync("/tmp/lab/probe", { recursive: true, force: true });
const stack = await Stack.plan({ data: "/tmp/lab/probe", routers: 2, connectors: 3, nats: await needNats(), redis: await needRedis(), chdbHome: await needChdb() });
await stack.start();
const sleep = (ms: number) => new Promise((r) => setTimeout(r, ms));
try {
  const ledger = new Ledger(); const crowd = new Crowd(stack, ledger);
  await crowd.arrive();
  const talking = crowd.talk(16_000);
  await sleep(4000);
  const report = (what: string) => { log(what, Date.now(), "p50", crowd.answeredMs(50).toFixed(0), "max", crowd.answeredMs(100).toFixed(0)); for (const d of crowd.devices) d.answeredMs.length = 0; };
  report("before");
  if (process.argv[2] === "kill") { await stack.routers[0]!.kill(); log("killed", Date.now()); await sleep(9000); }
  else if (process.argv[2] === "connector") { log("stopping", Date.now()); await stack.connectors[0]!.stop(15000); log("stopped", Date.now()); await sleep(1000); report("after"); stack.connectors[0]!.start(); await sleep(3000); }
  else { log("stopping", Date.now()); await stack.routers[0]!.stop(15000); log("stopped", Date.now()); await sleep(1000); report("after stop"); stack.routers[0]!.start(); await stack.routers[0]!.ready(10000); log("ready", Date.now()); await sleep(3000); report("after start"); }
  report("end");
  await talking;
  crowd.leave();
} finally { await stack.destroy(); }
process.exit(0);
