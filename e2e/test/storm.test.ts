import assert from "node:assert/strict";
import { test } from "node:test";
import { Crowd } from "../src/crowd.ts";
import { Ledger } from "../src/ledger.ts";
import { metricOf } from "../src/metric.ts";
import { judge, sleep, startStack } from "../src/scene.ts";

const CROWD = { pairs: 100, groups: 4, groupSize: 20, rate: 0.05 } as const;
const DEVICES = 4 * CROWD.pairs;
const LEVEL_MS = 20_000;

test(
  "all connectors are killed at once under 400 devices: all are back within 20 s, and nothing is lost",
  { timeout: 240_000 },
  async (t) => {
    const env = { connector: { HANDSHAKES_PER_SECOND: "2000" } };
    const stack = await startStack(t, { connectors: 2, env });
    const ledger = new Ledger();
    const crowd = new Crowd(stack, ledger, CROWD);
    t.after(() => {
      crowd.leave();
    });
    await crowd.arrive();
    const level = async (): Promise<number> => {
      const counts = await Promise.all(
        stack.connectors.map((part) => metricOf(part, "jichat_connector_sockets")),
      );
      return counts.reduce((sum, count) => sum + count, 0);
    };
    let tookMs = 0;
    const acting = (async () => {
      await sleep(3_000);
      await Promise.all(stack.connectors.map((part) => part.kill()));
      for (const part of stack.connectors) part.start();
      await Promise.all(stack.connectors.map((part) => part.ready(LEVEL_MS)));
      const began = performance.now();
      while (
        crowd.devices.some(({ client }) => client.state !== "online") &&
        performance.now() - began < LEVEL_MS
      )
        await sleep(100);
      tookMs = performance.now() - began;
      assert.equal(await level(), DEVICES, "each has one socket");
    })();
    await crowd.talkUntil(acting.then(async () => sleep(2_000)));
    await acting;
    const refused = await Promise.all(
      stack.connectors.map((part) => metricOf(part, "jichat_connector_arrivals_refused")),
    );
    t.diagnostic(`all were back after ${tookMs.toFixed(0)} ms; told to come later: ${refused.join(", ")}`);
    assert.ok(tookMs < LEVEL_MS, `${tookMs} ms`);
    await judge(t, { stack, crowd, ledger });
  },
);

test(
  "while Redis stands still, devices are told to come later, each at another moment, and all come then",
  { timeout: 240_000 },
  async (t) => {
    const env = { connector: { HANDSHAKES_PER_SECOND: "2000" } };
    const stack = await startStack(t, { connectors: 1, routers: 1, env });
    const { redis } = stack;
    assert.ok(redis !== undefined);
    const ledger = new Ledger();
    const crowd = new Crowd(stack, ledger, { ...CROWD, groups: 0 });
    t.after(() => {
      redis.signal("SIGCONT");
      crowd.leave();
    });
    // They come while Redis answers nobody: the first 128 hang in it, the others wait, and are sent away.
    await sleep(500);
    redis.signal("SIGSTOP");
    const arriving = crowd.arrive();
    await sleep(4_000);
    redis.signal("SIGCONT");
    const laterMs = crowd.devices.flatMap(({ client }) => client.status.retryInMs ?? []);
    await arriving;
    const [connector] = stack.connectors;
    const refused = await metricOf(connector, "jichat_connector_arrivals_refused", 'kind="login"');
    const limit = await metricOf(connector, "jichat_connector_arrivals_limit");
    t.diagnostic(`${refused} were told to come later; the limit is ${limit}`);
    assert.ok(refused >= DEVICES / 2, `${refused} were told to come later`);
    assert.ok(new Set(laterMs).size > laterMs.length / 2, `${new Set(laterMs).size} moments`);
    await crowd.talk(3_000);
    await judge(t, { stack, crowd, ledger });
  },
);
