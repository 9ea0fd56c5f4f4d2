import assert from "node:assert/strict";
import { test } from "node:test";
import type { Span } from "./otlp-receiver.ts";
import { TraceStore } from "./trace-store.ts";
import { treeOf } from "./trace-tree.ts";

const span = (name: string, spanId: string, start: number, end: number, more: Partial<Span> = {}): Span => ({
  service: "jichat-router",
  instance: "router-1",
  name,
  traceId: "t",
  spanId,
  startTimeUnixNano: String(start * 1_000_000),
  endTimeUnixNano: String(end * 1_000_000),
  links: [],
  attributes: [],
  ...more,
});

test("a trace is drawn as a tree in time order, with its linked spans", () => {
  const spans = [
    span("deliver", "d", 9, 10, { parentSpanId: "a" }),
    span("send", "a", 1, 8),
    span("append", "b", 3, 7, { parentSpanId: "a" }),
    span("insert", "x", 40, 60, { traceId: "other", links: [{ traceId: "t", spanId: "a" }] }),
  ];
  assert.deepEqual(
    treeOf("t", spans).map((line) => line.replaceAll(/ {2,}/g, " ")),
    [
      "send +0.0 ms 7.0 ms router-1",
      "├─ append +2.0 ms 4.0 ms router-1",
      "├─ deliver +8.0 ms 1.0 ms router-1",
      "└─ ⤷ insert +39.0 ms 20.0 ms router-1",
    ],
  );
});

test("a span without its parent is drawn too", () => {
  assert.equal(treeOf("t", [span("append", "b", 3, 7, { parentSpanId: "gone" })]).length, 1);
});

test("the store keeps the newest traces, and lists a linked span under each of its traces", () => {
  const store = new TraceStore(2);
  store.add([span("send", "a", 1, 2, { traceId: "one" })]);
  store.add([span("send", "b", 1, 2, { traceId: "two" })]);
  const both = [
    { traceId: "one", spanId: "a" },
    { traceId: "two", spanId: "b" },
  ];
  const grown = store.add([span("insert", "c", 3, 4, { traceId: "two", links: both })]);
  assert.deepEqual([...grown].sort(), ["one", "two"]);
  store.add([span("send", "d", 5, 6, { traceId: "three" })]);
  assert.deepEqual([store.get("one").length, store.get("two").length, store.get("three").length], [0, 2, 1]);
});
