import assert from "node:assert/strict";
import { test } from "node:test";
import { drain } from "./commands.ts";

const asked = (...names: readonly string[]) => {
  const calls: string[][] = [];
  return {
    calls,
    name: "chat",
    kubectl: {
      read: async <T>() => ({ items: names.map((name) => ({ metadata: { name, labels: {} } })) }) as T,
      ask: async (args: readonly string[]) => {
        calls.push([...args]);
        return "";
      },
    },
  };
};

test("drain marks one connector of the ChatCluster", async () => {
  const one = asked("chat-connector-1", "chat-connector-2");
  assert.match(
    await drain(one, "chat-connector-2"),
    /^chat-connector-2 leaves once another connector is ready/,
  );
  const [[verb, kind, pod, mark = ""] = []] = one.calls;
  assert.deepEqual([verb, kind, pod], ["annotate", "pod", "chat-connector-2"]);
  assert.match(mark, /^chat\.jichat\.io\/drain=\{"why":"Asked","since":"[^"]+Z"\}$/);
  assert.equal(one.calls.length, 1);
});

test("drain refuses a pod that is no connector of it, and names those that are", async () => {
  const two = asked("chat-connector-1", "chat-connector-2");
  await assert.rejects(
    drain(two, "chat-router-1"),
    /chat-router-1 is no connector of chat: its connectors are chat-connector-1, chat-connector-2/,
  );
  await assert.rejects(drain(two, undefined), /drain needs the name of a pod/);
  await assert.rejects(drain(asked(), "a"), /its connectors are none/);
  assert.deepEqual(two.calls, []);
});
