import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { pathToFileURL } from "node:url";
import { metricOf } from "../src/metric.ts";
import { mint } from "../src/mint.ts";
import { Raw } from "../src/raw.ts";
import { sleep, startStack } from "../src/scene.ts";

const AHEAD_MS = 600_000;
const STAYS_MS = 3_000;
const clock = pathToFileURL(join(import.meta.dirname, "../src/clock-ahead.ts")).href;

test("a device with an old socket at a connector whose clock is ten minutes ahead connects elsewhere and stays", async (t) => {
  const stack = await startStack(t, {
    routers: 1,
    connectors: 2,
    env: { "connector-1": { NODE_OPTIONS: `--import=${clock}`, CLOCK_AHEAD_MS: String(AHEAD_MS) } },
  });
  const arrive = async (at: number, user: string): Promise<Raw> => {
    const socket = new Raw(stack.wsUrls[at] ?? "");
    t.after(() => {
      socket.close();
    });
    const welcome = await socket.hello(mint(stack.secrets.signingKeyFile, { sub: user }), "phone");
    assert.equal(welcome.t, "welcome");
    const wrongMs = Number(welcome["serverTime"]) - Date.now();
    assert.ok(Math.abs(wrongMs) < AHEAD_MS / 10, "what a connector tells of the time is what hosts agree on");
    return socket;
  };
  const aheadSeconds = await metricOf(stack.connectors[0], "jichat_clock_ahead_seconds");
  assert.ok(aheadSeconds > AHEAD_MS / 2_000, `its clock is ahead by ${aheadSeconds} s`);
  const old = await arrive(0, "ann");
  const phone = await arrive(1, "ann");
  assert.equal((await old.closed).code, 4409);
  const bob = await arrive(0, "bob");
  await sleep(STAYS_MS);
  assert.equal((await phone.ask({ t: "ping", id: "p" })).t, "pong");
  assert.equal((await bob.ask({ t: "send", id: "m", to: "ann", body: {} })).t, "ack");
  await phone.hear(({ t: kind, id }) => kind === "event" && id === "m");

  const again = await arrive(0, "ann");
  assert.equal((await phone.closed).code, 4409);
  assert.equal((await again.ask({ t: "ping", id: "p" })).t, "pong");
});
