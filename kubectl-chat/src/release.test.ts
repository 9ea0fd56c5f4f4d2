import assert from "node:assert/strict";
import { test } from "node:test";
import { release } from "./commands.ts";

const asked = (metadata: object, status?: object) => {
  const calls: string[][] = [];
  return {
    calls,
    name: "chat",
    namespace: "people",
    kubectl: {
      read: async <T>() => ({ metadata: { resourceVersion: "7", ...metadata }, status }) as T,
      ask: async (args: readonly string[]) => {
        calls.push([...args]);
        return "";
      },
    },
  };
};
const GOING = { deletionTimestamp: "now", finalizers: ["mine/own", "chat.jichat.io/data"] };

test("release removes the operator's finalizer alone, of the version that was read, and reports what is left", async () => {
  const message = "its data could not be deleted: no answer. Not deleted: streams";
  const one = asked(GOING, { conditions: [{ reason: "DeletionBlocked", message }] });
  assert.match(await release(one), /chat was released; its data was not deleted: .*Not deleted: streams/);
  assert.deepEqual(one.calls, [
    [
      "patch",
      "chat",
      "chat",
      "--type=merge",
      '--patch={"metadata":{"finalizers":["mine/own"],"resourceVersion":"7"}}',
    ],
  ]);
});

test("release refuses a ChatCluster that is not being deleted or that another finalizer holds, with the cure", async () => {
  const lives = asked({ finalizers: GOING.finalizers });
  await assert.rejects(
    release(lives),
    /not being deleted.*first run kubectl delete chat chat -n people --wait=false/,
  );
  const others = asked({ ...GOING, finalizers: ["mine/own"] });
  await assert.rejects(release(others), /not held by chat\.jichat\.io\/data: its finalizers are mine\/own/);
  assert.deepEqual([lives.calls, others.calls], [[], []]);
});
