import assert from "node:assert/strict";
import { test } from "node:test";
import type { Load, ScaleFacts, ScaleMemory, ScaleSpec } from "./autoscaler.ts";
import { scaleOf } from "./autoscaler.ts";

const NOW = 10_000_000;
const SPEC: ScaleSpec = {
  minReplicas: 2,
  maxReplicas: 6,
  perPod: { connections: 100 },
  stabilisationMs: 300_000,
  pauseScaleIn: false,
  pauseScaleOut: false,
  pod: "connector",
  moving: "devices are moving",
};
const load = (connections: number | undefined, more: Load = {}): Load => ({
  ...(connections === undefined ? {} : { connections }),
  ...more,
});

interface Row {
  readonly what: string;
  readonly facts: Partial<Omit<ScaleFacts, "spec">> & { readonly spec?: Partial<ScaleSpec> };
  readonly desired: number;
  readonly reason: string;
  readonly memory?: ScaleMemory;
}

const long: ScaleMemory = { lowSince: NOW - 300_000, lowNeed: 2 };
const FEW = [load(60), load(60), load(60)];
const ROWS: readonly Row[] = [
  { what: "as many as carry it", facts: { loads: FEW, present: 2 }, desired: 2, reason: "Enough" },
  {
    what: "more at once, for connections",
    facts: { loads: [load(201), load(200)], present: 2 },
    desired: 5,
    reason: "Connections",
    memory: { lastScaleAt: NOW },
  },
  {
    what: "no more than the most",
    facts: { loads: [load(2_000)], present: 2 },
    desired: 6,
    reason: "Connections",
  },
  {
    what: "more for messages, which ask for more than connections do",
    facts: {
      loads: [load(10, { messages: 900 }), load(10, { messages: 700 })],
      spec: { perPod: { connections: 100, messages: 500 } },
      present: 2,
    },
    desired: 4,
    reason: "Messages",
  },
  {
    what: "none more for lag while the last one has not started",
    facts: {
      loads: [load(10, { lag: 51 }), load(10, { lag: 51 })],
      spec: { perPod: { connections: 100, lag: 50 } },
      present: 3,
    },
    desired: 3,
    reason: "Enough",
  },
  {
    what: "one more for an event loop that lags",
    facts: {
      loads: [load(10, { lag: 10 }), load(10, { lag: 51 })],
      spec: { perPod: { connections: 100, lag: 50 } },
      present: 2,
    },
    desired: 3,
    reason: "EventLoopLag",
  },
  {
    what: "and not another one before it can have helped",
    facts: {
      loads: [load(10, { lag: 90 })],
      spec: { perPod: { connections: 100, lag: 50 } },
      present: 3,
      before: { lastScaleAt: NOW - 59_999 },
    },
    desired: 3,
    reason: "Enough",
  },
  {
    what: "as many as share the cores that all use",
    facts: { loads: [{ cpu: 650 }, { cpu: 800 }], spec: { perPod: { cpu: 700 } }, present: 2 },
    desired: 3,
    reason: "Cpu",
  },
  {
    what: "one more for an inbox that is over its limit",
    facts: {
      loads: [
        { cpu: 10, inbox: 41 },
        { cpu: 10, inbox: 0 },
      ],
      spec: { perPod: { cpu: 700, inbox: 40 } },
      present: 2,
    },
    desired: 3,
    reason: "Inbox",
  },
  {
    what: "not fewer while an inbox is almost at its limit",
    facts: {
      loads: [
        { cpu: 10, inbox: 37 },
        { cpu: 10, inbox: 0 },
      ],
      spec: { perPod: { cpu: 700, inbox: 40 } },
      present: 3,
      before: long,
    },
    desired: 3,
    reason: "Enough",
  },
  {
    what: "not fewer while one measure of a pod is not reported",
    facts: {
      loads: [{ cpu: 10, inbox: 0 }, { cpu: 10 }],
      spec: { perPod: { cpu: 700, inbox: 40 } },
      present: 3,
      before: long,
    },
    desired: 3,
    reason: "MetricsMissing",
  },
  {
    what: "not more while that is paused",
    facts: { loads: [load(900)], present: 2, spec: { pauseScaleOut: true } },
    desired: 2,
    reason: "ScaleOutPaused",
  },
  {
    what: "fewer are first looked at",
    facts: { loads: FEW, present: 4 },
    desired: 4,
    reason: "Stabilising",
    memory: { lowSince: NOW, lowNeed: 2 },
  },
  {
    what: "not a moment before they were enough for long",
    facts: { loads: FEW, present: 4, before: { lowSince: NOW - 299_999, lowNeed: 2 } },
    desired: 4,
    reason: "Stabilising",
  },
  { what: "then fewer", facts: { loads: FEW, present: 4, before: long }, desired: 2, reason: "FewerNeeded" },
  {
    what: "and as many as were needed most in that time",
    facts: { loads: FEW, present: 4, before: { ...long, lowNeed: 3 } },
    desired: 3,
    reason: "FewerNeeded",
  },
  {
    what: "not fewer if each would then be almost full",
    facts: { loads: [load(100), load(81)], present: 3, before: long },
    desired: 3,
    reason: "Enough",
  },
  {
    what: "not fewer while devices move",
    facts: { loads: FEW, present: 4, before: long, isMoving: true },
    desired: 4,
    reason: "Draining",
  },
  {
    what: "not fewer while that is paused",
    facts: { loads: FEW, present: 4, before: long, spec: { pauseScaleIn: true } },
    desired: 4,
    reason: "ScaleInPaused",
  },
  {
    what: "not fewer while one does not report, and what was known is kept",
    facts: { loads: [load(60), load(undefined)], present: 4, before: long },
    desired: 4,
    reason: "MetricsMissing",
    memory: { ...long, missingSince: NOW },
  },
  {
    what: "what was known before a long silence counts no more",
    facts: { loads: FEW, present: 4, before: { ...long, missingSince: NOW - 30_001 } },
    desired: 4,
    reason: "Stabilising",
    memory: { lowSince: NOW, lowNeed: 2 },
  },
  {
    what: "more although one does not report, if the others need it",
    facts: { loads: [load(900), load(undefined)], present: 4 },
    desired: 6,
    reason: "Connections",
  },
  {
    what: "nothing is known of none",
    facts: { loads: [], present: 4 },
    desired: 4,
    reason: "MetricsMissing",
  },
  {
    what: "a time that lies ahead is not believed",
    facts: { loads: FEW, present: 4, before: { lowSince: NOW + 1, lowNeed: 2 } },
    desired: 4,
    reason: "Stabilising",
    memory: { lowSince: NOW, lowNeed: 2 },
  },
  { what: "the bounds of the spec first", facts: { loads: FEW, present: 9 }, desired: 6, reason: "Bounds" },
  { what: "also below", facts: { loads: [], present: 1 }, desired: 2, reason: "Bounds" },
];

for (const { what, facts, desired, reason, memory } of ROWS)
  test(`autoscaler: ${what}`, () => {
    const decision = scaleOf({
      now: NOW,
      present: 2,
      loads: [],
      isMoving: false,
      before: {},
      ...facts,
      spec: { ...SPEC, ...facts.spec },
    });
    assert.equal(decision.desired, desired);
    assert.equal(decision.reason, reason);
    if (memory !== undefined) assert.deepEqual(decision.memory, memory);
  });
