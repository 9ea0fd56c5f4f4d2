import assert from "node:assert/strict";
import { test } from "node:test";
import { BackendWatch } from "./backend-watch.ts";
import type { DesiredInput } from "./desired/desired-input.ts";
import type { BackendsSeen, Seen } from "./plan.ts";

const input = {
  cluster: {
    metadata: { namespace: "people", name: "chat" },
    spec: {
      partitions: 1,
      nats: {},
      redis: {},
      clickhouse: {},
      durability: {},
      retention: {},
      paused: false,
    },
  },
  keys: { generation: 1, passwords: {} },
  logins: {},
} as unknown as DesiredInput;

const ok: Seen = { state: "ok", message: "answers" };
const gone = (message: string): Seen => ({ state: "unreachable", message });

/** A watch over a clock that stands where it is put, and backends that say what they are told to. */
function staged() {
  const stage = { now: 0, nats: gone("getaddrinfo ENOTFOUND"), asks: 0, news: 0 };
  const watch = new BackendWatch({
    ask: async (): Promise<BackendsSeen> => {
      stage.asks += 1;
      return { nats: stage.nats, redis: ok, clickhouse: ok, streams: undefined };
    },
    clock: { monotonic: () => stage.now } as never,
    everyMs: 15_000,
    onNews: () => {
      stage.news += 1;
    },
  });
  const look = async (atMs: number): Promise<BackendsSeen> => {
    stage.now = atMs;
    watch.look("a/b", input);
    await new Promise(setImmediate);
    return watch.look("a/b", input);
  };
  return { stage, watch, look };
}

test("a backend that does not answer is asked again after 3 s, and one that answers after 15", async () => {
  const { stage, look } = staged();
  await look(0);
  await look(2_999);
  assert.equal(stage.asks, 1);
  stage.nats = ok;
  await look(3_000);
  assert.equal(stage.asks, 2);
  await look(17_999);
  assert.equal(stage.asks, 2);
  await look(18_000);
  assert.equal(stage.asks, 3);
});

test("the time to the next question grows without a request: 3, 6, 12 s", async () => {
  const { watch, look } = staged();
  const waits: number[] = [];
  for (const at of [0, 3_000, 9_000]) {
    await look(at);
    waits.push(watch.againMs("a/b"));
  }
  assert.deepEqual(waits, [3_000, 6_000, 12_000]);
});

test("a time-out after a definite error does not replace it, and another error does", async () => {
  const { stage, look } = staged();
  await look(0);
  assert.equal(stage.news, 1);
  stage.nats = gone("connect ETIMEDOUT");
  assert.match((await look(3_000)).nats.message, /ENOTFOUND/);
  assert.equal(stage.news, 1);
  stage.nats = gone("connect ECONNREFUSED");
  assert.match((await look(6_000)).nats.message, /ECONNREFUSED/);
  assert.equal(stage.news, 2);
});
