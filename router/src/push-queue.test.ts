import assert from "node:assert/strict";
import { test } from "node:test";
import { PermissionViolationError } from "@nats-io/transport-node";
import { decodePushEntries } from "@jichat/protocol/bus/push.ts";
import { HandClock } from "@jichat/protocol/hand-clock.ts";
import type { PushEntry } from "./push-entries.ts";
import { PushQueue } from "./push-queue.ts";
import { packed } from "./push-texts.ts";

const said = (seq: number, conversation = "g"): PushEntry => ({
  is: "message",
  conversation,
  seq,
  no: seq,
  from: "eve",
  ts: 1,
  members: 2,
  to: ["bob", "x".repeat(40_000)],
});

interface Stored {
  readonly subject: string;
  readonly msgID: string;
  readonly seqs: readonly number[];
}

function scene() {
  const stored: Stored[] = [];
  const letGo: string[] = [];
  const counts = new Map<string, number>();
  const fault: { error: Error | undefined } = { error: undefined };
  const clock = new HandClock();
  const queue = new PushQueue({
    js: {
      publish: async (subject, bytes, { msgID }) => {
        if (fault.error !== undefined) throw fault.error;
        stored.push({
          subject,
          msgID,
          seqs: decodePushEntries(bytes).map((entry) => (entry.is === "report" ? 0 : entry.seq)),
        });
      },
    },
    names: { pushSubject: (partition) => `push.${partition}` },
    clock,
    count: (outcome, by) => counts.set(outcome, by + (counts.get(outcome) ?? 0)),
    letGo: (refusal) => letGo.push(refusal.code),
  });
  return { queue, stored, letGo, counts, fault, clock };
}

test("a message that the push queue refuses for good is dropped and reported once, and any other is tried again", async () => {
  const { queue, stored, letGo, counts, fault } = scene();
  const texts = queue.take(3, [said(1), said(2)]);
  const [first = new Uint8Array(), second = new Uint8Array(), ...more] = packed(texts, 65_536);
  assert.deepEqual(more, []);
  fault.error = new PermissionViolationError("no", "publish", "push.3");
  await queue.add(3, first);
  await queue.add(3, second);
  assert.deepEqual(letGo, ["UNAVAILABLE"], "said once");
  assert.equal(counts.get("refused"), 2);
  fault.error = new Error("timeout");
  await assert.rejects(queue.add(3, first), /timeout/);
  fault.error = undefined;
  await queue.add(3, first);
  await queue.add(3, first);
  await queue.add(3, second);
  assert.deepEqual(
    stored.map(({ subject, seqs }) => `${subject} ${seqs.join("+")}`),
    ["push.3 1", "push.3 1", "push.3 2"],
  );
  const [one, again, other] = stored.map(({ msgID }) => msgID);
  assert.equal(one, again, "the stream stores it once");
  assert.notEqual(one, other);
});

test("what was held back follows by itself, also after a failure, and at the end of a reign at once", async (t) => {
  const { queue, stored, counts, fault, clock } = scene();
  const stop = new AbortController();
  t.after(() => {
    stop.abort(new Error("the test is over"));
  });
  let seq = 0;
  while (queue.held === 0) queue.take(0, [said((seq += 1))]);
  queue.take(1, [said(1, "of-1")]);
  assert.deepEqual([queue.held, stored.length], [2, 0]);
  fault.error = new Error("timeout");
  await queue.release(1);
  assert.equal(queue.held, 1);
  void queue.run(stop.signal);
  await clock.pass(1_000);
  assert.equal(stored.length, 0);
  fault.error = undefined;
  await clock.pass(1_000);
  assert.deepEqual(
    stored.map(({ subject }) => subject),
    ["push.1"],
  );
  await clock.pass(3_600_000);
  assert.deepEqual(
    stored.map(({ subject }) => subject),
    ["push.1", "push.0"],
  );
  assert.deepEqual(stored.at(-1)?.seqs, [seq]);
  assert.equal(queue.held, 0);
  assert.equal(counts.get("queued"), seq + 1);
});
