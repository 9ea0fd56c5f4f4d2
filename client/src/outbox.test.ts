import assert from "node:assert/strict";
import { test } from "node:test";
import { ChatError } from "@jichat/protocol/errors.ts";
import { Outbox } from "./outbox.ts";
import type { OutboxParts } from "./outbox.ts";
import { Timeline } from "./timeline.ts";

const frame = (id: string, conversation = "g") => ({ t: "send", id, conversation });
const ack = (id: string, seq: number) =>
  ({ t: "ack", id, conversation: "g", seq, ts: 1, traceId: "t" }) as const;

/** Time that a test sets; it pumps by itself. */
const handClock = (time: { readonly now: number }): OutboxParts["clock"] => ({
  monotonic: () => time.now,
  sleep: () => new Promise(() => undefined),
});

function outbox(max = 100): { box: Outbox; sent: string[]; clock: { now: number; online: boolean } } {
  const sent: string[] = [];
  const clock = { now: 0, online: true };
  let named = 0;
  const box = new Outbox({
    max,
    transmit: ({ id }) => {
      if (clock.online) sent.push(id);
      return clock.online;
    },
    newId: () => `n${(named += 1)}`,
    clock: handClock(clock),
  });
  return { box, sent, clock };
}

test("writes go out in order, wait while offline, and go again in order on a new socket", async () => {
  const { box, sent, clock } = outbox();
  clock.online = false;
  const [a, b] = [box.put(frame("a")), box.put(frame("b"))];
  assert.deepEqual(sent, []);
  clock.online = true;
  box.restart();
  box.acked(ack("a", 1));
  box.restart();
  assert.deepEqual(sent, ["a", "b", "b"]);
  box.acked(ack("b", 2));
  assert.deepEqual([(await a).seq, (await b).seq, box.size], [1, 2, 0]);
});

test("a write without an id gets one when it goes out first, and keeps it", async () => {
  const { box, sent, clock } = outbox();
  clock.online = false;
  const written = [box.put({ t: "send", to: "bob" }), box.put({ t: "create" }), box.put({ t: "create" })];
  assert.deepEqual(sent, []);
  clock.online = true;
  box.restart();
  const first = sent.splice(0);
  assert.equal(new Set(first).size, 3);
  box.restart();
  assert.deepEqual(sent, first);
  for (const [index, id] of first.entries()) assert.equal(box.acked(ack(id, index + 1))?.id, id);
  assert.deepEqual(
    (await Promise.all(written)).map(({ id }) => id),
    first,
  );
  assert.equal(box.size, 0);
});

test("writes of a conversation are sent again after a retryable error, in order and in time, and others go on", async () => {
  const { box, sent, clock } = outbox();
  const waiting = [...["a", "b", "c"].map((id) => box.put(frame(id))), box.put(frame("x", "h"))];
  box.refused("b", new ChatError("BUSY", "full", { retryAfterMs: 100 }));
  box.refused("c", new ChatError("BUSY", "full", { retryAfterMs: 100 }));
  clock.now = 99;
  box.pump();
  assert.deepEqual(sent, ["a", "b", "c", "x"]);
  clock.now = 100;
  box.pump();
  assert.deepEqual(sent, ["a", "b", "c", "x", "b", "c"]);
  box.fail(new Error("over"));
  const ends = await Promise.allSettled(waiting);
  assert.deepEqual(
    ends.map(({ status }) => status),
    ["rejected", "rejected", "rejected", "rejected"],
  );
});

test("writes in flight behind another refused write are not sent again, and later ones wait for it", async () => {
  const { box, sent, clock } = outbox();
  const edit = { t: "edit", id: "e", conversation: "g" };
  const waiting = [box.put(frame("a")), box.put(edit), box.put(frame("b"))];
  box.refused("e", new ChatError("BUSY", "full", { retryAfterMs: 100 }));
  waiting.push(box.put(frame("c")));
  clock.now = 100;
  box.pump();
  assert.deepEqual(sent, ["a", "e", "b", "e", "c"]);
  for (const id of ["a", "b", "e", "c"]) box.acked(ack(id, 1));
  assert.equal(box.size, 0);
  await Promise.all(waiting);
});

test("a final error rejects its write alone, INTERNAL is tried once more, and a full outbox is an error", async () => {
  const { box, clock } = outbox(2);
  const bad = box.put(frame("a"));
  const flaky = box.put(frame("b"));
  await assert.rejects(box.put(frame("c")), { code: "BUSY" });
  box.refused("a", new ChatError("NOT_FOUND", "no"));
  await assert.rejects(bad, { code: "NOT_FOUND" });
  box.refused("b", new ChatError("INTERNAL", "defect"));
  clock.now = 1_000;
  box.pump();
  box.refused("b", new ChatError("INTERNAL", "defect"));
  await assert.rejects(flaky, { code: "INTERNAL" });
});

const event = (seq: number, kind: "message" | "joined" = "message", users?: readonly string[]) =>
  ({
    conversation: "g",
    seq,
    no: seq,
    kind,
    from: "ann",
    ts: 1,
    ...(users === undefined ? {} : { users }),
  }) as const;

test("a timeline shows each event once and in order, for any order of arrival", () => {
  const line = new Timeline(4);
  assert.deepEqual(line.insert(event(6), "bob"), []);
  assert.equal(line.hasHole, true);
  assert.deepEqual(
    line.insert(event(5), "bob").map(({ seq }) => seq),
    [5, 6],
  );
  assert.deepEqual(line.insert(event(6), "bob"), []);
  assert.deepEqual(line.own(7), []);
  assert.deepEqual(line.insert(event(9), "bob"), []);
  assert.deepEqual(
    line
      .fill({ events: [event(7), event(8), event(9)], first: 1, head: 9, more: false })
      .map(({ seq }) => seq),
    [8, 9],
  );
  assert.equal(line.hasHole, false);
});

test("a user who is invited again starts at the join, and one who left drops the later events", () => {
  const line = new Timeline(3);
  assert.deepEqual(
    line.insert(event(104, "joined", ["bob"]), "bob").map(({ seq }) => seq),
    [104],
  );
  const left = new Timeline(3);
  left.head = 10;
  left.fill({ events: [], first: 1, head: 3, more: false });
  assert.equal(left.hasHole, false);
});

test("a client that writes a thousand at once is slowed down, and is hardly refused after that", async () => {
  // A server that lets 50 a second in, 100 at once, and answers 5 ms later; sends behind a refused one share it.
  const clock = { now: 0 };
  let tokens = 100;
  let refusals = 0;
  let gate: string | undefined;
  const answers: { readonly at: number; readonly id: string; readonly refusal: ChatError | undefined }[] = [];
  const box = new Outbox({
    max: 1_000,
    transmit: ({ id }) => {
      const isFree = gate === undefined || gate === id;
      const isTaken = isFree && tokens >= 1;
      if (isTaken) tokens -= 1;
      gate = isTaken ? undefined : (gate ?? id);
      const refusal = isTaken ? undefined : new ChatError("RATE_LIMITED", "too fast", { retryAfterMs: 20 });
      answers.push({ at: clock.now + 5, id, refusal });
      return true;
    },
    newId: () => assert.fail("these have ids of their own"),
    clock: handClock(clock),
  });
  const acked: string[] = [];
  const ids = Array.from({ length: 1_000 }, (_, i) => `m${i}`);
  const writes = ids.map((id) => box.put(frame(id)));
  for (; box.size > 0; clock.now += 1) {
    assert.ok(clock.now < 40_000, "as fast as it may, not much slower");
    tokens = Math.min(100, tokens + 0.05);
    while (answers[0] !== undefined && answers[0].at <= clock.now) {
      const { id, refusal } = answers.shift() ?? { id: "", refusal: undefined };
      if (refusal === undefined) {
        acked.push(id);
        box.acked(ack(id, acked.length));
      } else {
        refusals += 1;
        box.refused(id, refusal);
      }
    }
    box.pump();
  }
  await Promise.all(writes);
  assert.deepEqual(acked, ids);
  assert.ok(refusals < 150, `${refusals} refusals`);
});
