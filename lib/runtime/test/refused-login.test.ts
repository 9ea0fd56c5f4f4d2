import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { Part } from "@jichat/testkit/local/part.ts";
import { freePorts } from "@jichat/testkit/local/ports.ts";
import { needNats } from "@jichat/testkit/needs.ts";
import { until } from "@jichat/testkit/until.ts";

const NATS = join(import.meta.dirname, "../src/nats.ts");
/** What a component does: it connects, says so, and goes on. */
const component = (url: string): string => `
  import { pino } from "pino";
  import { connectNats } from ${JSON.stringify(NATS)};
  const nats = await connectNats(${JSON.stringify(url)}, "part", pino(pino.destination(1)));
  process.stdout.write("connected\\n");
  process.once("SIGTERM", async () => { await nats.drain(); process.exit(0); });
`;

function start(url: string) {
  const child = spawn(process.execPath, ["--input-type=module", "-e", component(url)], {
    cwd: join(import.meta.dirname, ".."),
    stdio: ["ignore", "pipe", "inherit"],
  });
  let said = "";
  child.stdout.on("data", (chunk: Buffer) => {
    said += chunk.toString();
  });
  return { child, ended: once(child, "exit"), said: () => said };
}

test("a process whose login NATS refuses ends, and one whose login it accepts goes on", async (t) => {
  const folder = mkdtempSync(join(tmpdir(), "jichat-login-"));
  const [port = 0] = await freePorts(1);
  const conf = join(folder, "nats.conf");
  const users = (...names: string[]): void => {
    const all = names.map((user) => `{ user: ${user}, password: p }`).join(", ");
    writeFileSync(conf, `host: 127.0.0.1\nport: ${port}\nauthorization { users: [${all}] }\n`);
  };
  users("one", "two");
  const { path: program, env } = await needNats();
  const logFile = join(folder, "nats.log");
  const nats = new Part({ name: "nats", program, env, args: ["-c", conf], port, logFile });
  nats.start();
  const [one, two] = ["one", "two"].map((user) => start(`nats://${user}:p@127.0.0.1:${port}`));
  assert.ok(one !== undefined && two !== undefined);
  t.after(async () => {
    one.child.kill("SIGKILL");
    two.child.kill("SIGKILL");
    await nats.stop(5_000);
    rmSync(folder, { recursive: true, force: true });
  });
  await until("both are connected", 20_000, () => [one, two].every(({ said }) => /connected/.test(said())));
  users("two");
  nats.signal("SIGHUP");
  assert.deepEqual(await one.ended, [1, null]);
  assert.match(one.said(), /"level":60.*NATS refuses this login now/);
  assert.equal(two.child.exitCode, null);
  two.child.kill("SIGTERM");
  assert.deepEqual(await two.ended, [0, null]);
});
