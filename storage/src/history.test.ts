import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { BodyText } from "@jichat/protocol/frame/body.ts";
import { jsonFrame } from "@jichat/protocol/frame/codec.ts";
import type { InnerEvent } from "@jichat/protocol/frame/server-frame.ts";
import { Batched } from "./batched.ts";
import { pageBounds, withinBytes } from "./history.ts";
import { trimTarget } from "./trim.ts";

const visible = { first: 10, last: 100, member: true };

test("pages end where membership ends, on both sides, and say whether there is more", () => {
  const of = (query: { after?: number; before?: number; limit: number }): [number, number, boolean] => {
    const { from, to, more } = pageBounds(visible, query);
    return [from, to, more];
  };
  assert.deepEqual(of({ limit: 50 }), [51, 100, true]);
  assert.deepEqual(of({ before: 51, limit: 50 }), [10, 50, false]);
  assert.deepEqual(of({ after: 0, limit: 5 }), [10, 14, true]);
  assert.deepEqual(of({ after: 95, limit: 5 }), [96, 100, false]);
  assert.deepEqual(of({ after: 94, limit: 5 }), [95, 99, true]);
  const [from, to] = of({ after: 100, limit: 5 });
  assert.ok(from > to, "nothing behind the end");
});

test("a page over 256 KB is cut at the end that the next page begins with, and is never empty", () => {
  const event = (seq: number, size: number) => ({
    conversation: "g",
    seq,
    no: seq,
    kind: "message" as const,
    from: "a",
    ts: 1,
    body: "x".repeat(size) as BodyText,
  });
  const events = [1, 2, 3].map((seq) => event(seq, 1_000));
  assert.deepEqual(
    withinBytes(events, false, 2_700).map(({ seq }) => seq),
    [1, 2],
  );
  assert.deepEqual(
    withinBytes(events, true, 2_700).map(({ seq }) => seq),
    [2, 3],
  );
  assert.deepEqual(withinBytes([event(1, 9_000)], true, 100).length, 1);
});

test("a page stays within its bound for any content of its events", () => {
  const text = fc
    .tuple(fc.constantFrom("a", '"', "\\", "\u0001", "水", "😀", "\ud83d"), fc.integer({ min: 1, max: 128 }))
    .map(([unit, length]) => unit.repeat(length));
  const made = fc.record({ name: text, id: text, body: text, users: fc.nat(40), isRename: fc.boolean() });
  fc.assert(
    fc.property(fc.array(made, { minLength: 1, maxLength: 60 }), fc.boolean(), (all, dropOldest) => {
      const events = all.map(({ name, id, body, users, isRename }, index): InnerEvent => ({
        conversation: "g",
        seq: index + 1,
        no: index + 1,
        kind: isRename ? "renamed" : "message",
        from: "a",
        ts: 1,
        id,
        ...(isRename ? { name } : { body: JSON.stringify({ body }) as BodyText }),
        mentions: Array.from({ length: users }, () => "u".repeat(64)),
      }));
      const kept = withinBytes(events, dropOldest, 8_000);
      const page = jsonFrame({
        t: "page",
        id: "i".repeat(64),
        conversation: "g",
        events: kept,
        first: 1,
        head: 60,
        more: true,
      });
      assert.ok(kept.length === 1 || Buffer.byteLength(page) <= 8_000);
    }),
  );
});

test("nothing is trimmed above the watermark, above effects that may be redone, or at the end of the log", () => {
  assert.equal(trimTarget(10, { watermark: 8, done: 9 }), 8);
  assert.equal(trimTarget(10, { watermark: 10, done: 3 }), 3);
  assert.equal(trimTarget(10, { watermark: 10, done: 10 }), 9);
  assert.equal(trimTarget(0, { watermark: 0, done: 0 }), 0);
});

test("questions that arrive while a query runs share the next query, and its error reaches all of them", async () => {
  const queries: string[][] = [];
  const batched = new Batched(async (keys) => {
    queries.push([...keys]);
    await new Promise((resolve) => {
      setImmediate(resolve);
    });
    if (keys.includes("bad")) throw new Error("no");
    return new Map(keys.filter((key) => key !== "unknown").map((key) => [key, key.toUpperCase()]));
  });
  const first = batched.of("a");
  await new Promise((resolve) => {
    setImmediate(resolve);
  });
  const rest = Promise.all([batched.of("b"), batched.of("b"), batched.of("unknown")]);
  assert.deepEqual([await first, await rest], ["A", ["B", "B", undefined]]);
  assert.deepEqual(queries, [["a"], ["b", "unknown"]]);
  const failing = await Promise.allSettled([batched.of("bad"), batched.of("c")]);
  assert.deepEqual(
    failing.map(({ status }) => status),
    ["rejected", "rejected"],
  );
  assert.equal(await batched.of("c"), "C");
});
