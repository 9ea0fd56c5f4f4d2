import assert from "node:assert/strict";
import { test } from "node:test";
import { LOG_FULL_RATIO } from "@jichat/protocol/log/streams.ts";
import { LogStates } from "./log-states.ts";

const state = (behind: readonly string[] = [], bytes = 0) => ({ bytes, bytesMax: 1_000, behind });

test("a log counts as full above its share until it is below it, or another router serves it", () => {
  const logs = new LogStates(() => undefined);
  logs.hear(1, state([], 1_000 * LOG_FULL_RATIO), 0);
  assert.equal(logs.isFull(1), false);
  logs.hear(1, state([], 1_000 * LOG_FULL_RATIO + 1), 0);
  assert.equal(logs.isFull(1), true);
  logs.hear(1, { ...state([], 2_000), bytesMax: -1 }, 0);
  assert.equal(logs.isFull(1), false, "one without a limit");
  logs.hear(1, state([], 1_000), 0);
  logs.forget(1);
  assert.equal(logs.isFull(1), false);
});

test("servers that lag behind are reported once, and once more when they have caught up", () => {
  const told: (readonly string[])[] = [];
  const logs = new LogStates((servers) => told.push(servers));
  const round = (...behind: readonly (readonly string[])[]): number => {
    behind.forEach((servers, partition) => {
      logs.hear(partition, state(servers), 0);
    });
    logs.sum();
    return logs.copiesBehind;
  };
  assert.equal(round([], []), 0);
  assert.equal(round(["b"], ["b", "a"]), 3);
  assert.equal(round(["b", "a"], ["b"]), 3);
  assert.equal(round(["b"], []), 1);
  logs.forget(0);
  logs.sum();
  assert.equal(logs.copiesBehind, 0);
  assert.deepEqual(told, [["a", "b"], ["b"], []]);
});

test("the lag of a copy counts from the first of consecutive looks, whichever server lags", () => {
  const logs = new LogStates(() => undefined);
  logs.hear(1, state(["b"]), 10);
  logs.hear(1, state(["a"]), 20);
  assert.equal(logs.behindSince(1), 10);
  logs.hear(1, state([]), 30);
  assert.equal(logs.behindSince(1), undefined);
  logs.hear(1, state(["a"]), 40);
  assert.equal(logs.behindSince(1), 40);
});
