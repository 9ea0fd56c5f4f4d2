import assert from "node:assert/strict";
import { test } from "node:test";
import { Metrics } from "../pod-metrics.ts";
import { GateSamples } from "./gate-samples.ts";

interface Counts {
  readonly hellos: number;
  readonly welcomes?: number;
  readonly frames?: number;
  readonly errors?: number;
  readonly innocent?: number;
  readonly moved?: number;
}

const told = ({ hellos, welcomes, frames = 0, errors = 0, innocent = 0, moved = 0 }: Counts): Metrics =>
  new Metrics(
    [
      `jichat_connector_frames_total{t="hello"} ${hellos}`,
      `jichat_connector_frames_total{t="send"} ${frames}`,
      `jichat_connector_errors_total{code="UNAVAILABLE"} ${errors}`,
      `jichat_connector_errors_total{code="NOT_FOUND"} ${innocent}`,
      `jichat_connector_moves_total{outcome="told"} ${moved}`,
      `jichat_connector_moves_total{outcome="gone"} 1000`,
      ...(welcomes === undefined ? [] : [`jichat_connector_welcomes_total{kind="resume"} ${welcomes}`]),
      "",
    ].join("\n"),
  );

const POD = [{ name: "a", isReady: true }];

/** Samples of one pod, `everyMs` apart, from 0 on. */
function taken(everyMs: number, all: readonly Counts[]): GateSamples {
  const samples = new GateSamples();
  for (const [at, counts] of all.entries()) samples.take(new Map([["a", told(counts)]]), ["a"], at * everyMs);
  return samples;
}

test("what connectors did is the difference over the window, and innocent errors do not count", () => {
  const first = { hellos: 10, welcomes: 10, frames: 100, errors: 7, innocent: 100, moved: 5 };
  const last = { hellos: 30, welcomes: 29, frames: 300, errors: 8, innocent: 900, moved: 55 };
  assert.deepEqual(taken(5_000, [first, last]).did(POD), {
    seconds: 5,
    hellos: 20,
    welcomes: 19,
    moved: 50,
    frames: 220,
    errors: 1,
  });
});

test("less than five seconds, a pod that says nothing, and a new process are unknown", () => {
  const counts = { hellos: 1, welcomes: 1 };
  assert.deepEqual(taken(4_999, [counts, counts]).did(POD), {
    unknown: "a has been watched for less than 5 s",
  });
  assert.deepEqual(new GateSamples().did(POD), { unknown: "a does not report its metrics" });
  const silent = taken(5_000, [counts, counts]);
  silent.take(new Map(), ["a"], 15_000);
  assert.partialDeepStrictEqual(silent.did(POD), { seconds: 5 });
  silent.take(new Map(), ["a"], 15_001);
  assert.deepEqual(silent.did(POD), { unknown: "a has not reported its metrics for 10 s" });
  const odd = new GateSamples();
  odd.take(new Map([["a", new Metrics("jichat_connector_sockets 3\n")]]), ["a"], 0);
  assert.deepEqual(odd.did(POD), { unknown: "a does not report its metrics" });
  // One that is not ready need not say anything, and of no pod all is known.
  assert.deepEqual(silent.did([{ name: "a", isReady: false }]), silent.did([]));
});

test("the window is thirty seconds, however often it is looked", () => {
  for (const everyMs of [250, 1_000, 1_900, 7_000, 29_000]) {
    const all = Array.from({ length: Math.ceil(200_000 / everyMs) }, (_, at) => ({
      hellos: at,
      welcomes: at,
    }));
    const did = taken(everyMs, all).did(POD);
    assert.ok("seconds" in did);
    assert.ok(did.seconds >= 30 && did.seconds <= 60, `${everyMs}: ${did.seconds}`);
    assert.equal(did.hellos, Math.round((did.seconds * 1_000) / everyMs));
  }
});

test("a container that was started again, and a cluster that was not looked at, begin anew", () => {
  const [few, many] = [
    { hellos: 1, welcomes: 1, frames: 10 },
    { hellos: 9, welcomes: 9, frames: 90 },
  ];
  const again = taken(5_000, [many, many, few]);
  assert.ok("unknown" in again.did(POD));
  again.take(new Map([["a", told({ hellos: 3, welcomes: 3, frames: 10 })]]), ["a"], 15_000);
  assert.partialDeepStrictEqual(again.did(POD), { seconds: 5, hellos: 2 });
  assert.ok("unknown" in taken(60_001, [few, many]).did(POD));
});

test("a version that does not count welcomes makes their number unknown, and nothing else", () => {
  const did = taken(5_000, [{ hellos: 1 }, { hellos: 4, frames: 9 }]).did(POD);
  assert.partialDeepStrictEqual(did, { hellos: 3, welcomes: undefined, frames: 12 });
});

test("several connectors are one sum, and those that are gone are forgotten", () => {
  const samples = new GateSamples();
  for (const [at, hellos] of [0, 4].entries())
    samples.take(
      new Map(["a", "b"].map((name) => [name, told({ hellos, welcomes: hellos })])),
      ["a", "b"],
      at * 5_000,
    );
  const both = ["a", "b"].map((name) => ({ name, isReady: true }));
  assert.partialDeepStrictEqual(samples.did(both), { seconds: 5, hellos: 8, welcomes: 8 });
  samples.take(new Map([["b", told({ hellos: 5, welcomes: 5 })]]), ["b"], 6_000);
  assert.deepEqual(samples.did(both), { unknown: "a does not report its metrics" });
});
