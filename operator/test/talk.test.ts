import assert from "node:assert/strict";
import type { TestContext } from "node:test";
import { test } from "node:test";
import { systemClock } from "@jichat/protocol/clock.ts";
import type { Way } from "../src/talk/way.ts";
import { talk } from "../src/talk/talk.ts";
import { BROKEN } from "./broken-connectors.ts";
import { FakeEdge, FakeLog } from "./fake-edge.ts";
import { KEYS } from "./input.ts";
import { PARTITIONS, judged } from "./judged.ts";
import type { Meddling } from "./meddler.ts";
import { Meddler } from "./meddler.ts";

/** Two edges on one log. The second one is broken as told. */
async function staged(t: TestContext, meddling: Meddling = {}) {
  const log = new FakeLog();
  const [serving, own] = [await FakeEdge.start(log), await FakeEdge.start(log)];
  const meddler = await Meddler.before(own.url, meddling);
  t.after(() => {
    for (const one of [meddler, serving, own]) one.close();
  });
  const way: Way = {
    url: serving.url,
    trust: [],
    credentials: [{ clusterKey: KEYS.clusterKey }],
    partitions: PARTITIONS,
  };
  return { log, serving, way, canary: meddler.url };
}

test("a talk sends before and after the other device resumes elsewhere, and measures how long messages take", async (t) => {
  const { log, way, canary } = await staged(t);
  const { signal } = new AbortController();
  const one = await talk(way, 0, systemClock, signal);
  assert.deepEqual([one.outcome, one.why, log.events.length], ["ok", "", 2]);
  const other = { ...way, url: canary };
  const {
    outcome,
    why,
    delayMs = -1,
  } = await talk({ ...way, other, back: way, messages: 100, devices: "some" }, 0, systemClock, signal);
  // A quarter of what a user may send in a second, twice.
  assert.deepEqual([outcome, why, log.events.length], ["ok", "", 2 + 2 * 12]);
  assert.ok(delayMs >= 0 && delayMs < 250, String(delayMs));
});

test("a canary that is well is proven", async (t) => {
  const { way, canary } = await staged(t);
  const { state, message } = await judged(t, way, canary);
  assert.equal(state, "proven", message);
});

for (const { what, meddling, says } of BROKEN)
  test(`a canary that ${what} fails`, { timeout: 60_000 }, async (t) => {
    const { way, canary } = await staged(t, meddling());
    const { state, message } = await judged(t, way, canary);
    assert.equal(state, "failed", message);
    assert.match(message, says);
  });

test("nobody blames a canary for what connectors that serve cannot do either", async (t) => {
  const { way, canary, serving } = await staged(t);
  serving.close();
  const { state, message } = await judged(t, way, canary);
  assert.equal(state, "proven", message);
  assert.match(message, /connectors that serve cannot talk$/);
});
