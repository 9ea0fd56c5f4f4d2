import assert from "node:assert/strict";
import { test } from "node:test";
import { rebalance } from "./commands.ts";

test("rebalance asks by an annotation that is another one each time", async () => {
  const calls: (readonly string[])[] = [];
  const kubectl = {
    ask: async (args: readonly string[]) => {
      calls.push(args);
      return "";
    },
  };
  const said = await rebalance({ name: "chat", kubectl }, new Date(0));
  await rebalance({ name: "chat", kubectl }, new Date(1));
  const annotate = ["annotate", "chat", "chat", "--overwrite"];
  assert.deepEqual(calls, [
    [...annotate, "chat.jichat.io/rebalance=1970-01-01T00:00:00.000Z"],
    [...annotate, "chat.jichat.io/rebalance=1970-01-01T00:00:00.001Z"],
  ]);
  assert.match(said, /^connectors of chat become level at drain\.maxReconnectsPerSecond/);
});
