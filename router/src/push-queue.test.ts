import assert from "node:assert/strict";
import { test } from "node:test";
import { PermissionViolationError } from "@nats-io/transport-node";
import { pushQueueOver } from "./push-queue.ts";

const missed = Array.from({ length: 5_000 }, (_, seq) => ({ user: "ann", conversation: "g", seq }));

test("an entry that the push queue refuses for good is dropped and reported, and any other one is tried again", async () => {
  let error: Error = new PermissionViolationError("no", "publish", "push.0");
  const letGo: string[] = [];
  let tries = 0;
  const publish = async (): Promise<never> => {
    tries += 1;
    throw error;
  };
  const queue = pushQueueOver({ publish }, { pushSubject: (partition) => `push.${partition}` }, (refusal) =>
    letGo.push(refusal.code),
  );
  await queue.add(0, 1, missed);
  assert.equal(tries, 2, "each of its messages, once");
  assert.deepEqual(letGo, ["UNAVAILABLE"], "said once");
  error = new Error("timeout");
  await assert.rejects(queue.add(0, 1, missed), /timeout/);
});
