import assert from "node:assert/strict";
import { test } from "node:test";
import { clusterOf, inputOf } from "../../test/input.ts";
import type { Condition } from "../crd/status.ts";
import type { DesiredInput } from "../desired/desired-input.ts";
import { connectorRevision, deployment } from "../desired/workloads.ts";
import type { KubeObject } from "../kube/object.ts";
import { Observed } from "../observed.ts";
import { talkFinding, whyNotTalked } from "./finding.ts";
import { STEPS } from "./talk.ts";
import type { Talked } from "./talk-watch.ts";
import { FAILURES, STALE_MS } from "./talk-watch.ts";

const OK = { outcome: "ok", why: "", ms: 1, nextPartition: 0 } as const;
const BAD = { ...OK, outcome: "send", why: "UNAVAILABLE: no owner" } as const;
const good: Talked = { last: OK, ageMs: 0, goodAgeMs: 0, failures: 0 };
const first = ({ status, reason }: { status: string; reason: string }): string => `${status} ${reason}`;

test("two failed talks in a row make the condition false with step and reason, and one does not", () => {
  assert.equal(first(talkFinding(good)), "True Talked");
  const once: Talked = { last: BAD, ageMs: 0, goodAgeMs: 60_000, failures: FAILURES - 1 };
  assert.equal(first(talkFinding(once)), "True Talked");
  const told = talkFinding({ ...once, failures: FAILURES });
  assert.equal(first(told), "False SendFails");
  assert.equal(told.message, "send fails: UNAVAILABLE: no owner");
  assert.equal(
    first(talkFinding({ ...good, goodAgeMs: 0 })),
    "True Talked",
    "and one that went well ends it",
  );
});

test("every step has a reason of its own", () => {
  const reasons = STEPS.map(
    (outcome) =>
      talkFinding({ last: { ...BAD, outcome }, ageMs: 0, goodAgeMs: Infinity, failures: FAILURES }).reason,
  );
  assert.equal(new Set(reasons).size, STEPS.length);
});

test("a finding older than three minutes is Unknown", () => {
  const at = (ms: number, failures: number): string =>
    first(talkFinding({ last: failures === 0 ? OK : BAD, ageMs: ms, goodAgeMs: ms, failures }));
  assert.equal(at(STALE_MS, 0), "True Talked");
  assert.equal(at(STALE_MS + 1, 0), "Unknown Stale");
  assert.equal(at(STALE_MS, FAILURES), "False SendFails");
  assert.equal(at(STALE_MS + 1, FAILURES), "Unknown Stale");
});

test("the condition is Unknown before the first talk, and after a first one that failed", () => {
  const never: Talked = { last: undefined, ageMs: Infinity, goodAgeMs: Infinity, failures: 0 };
  assert.equal(first(talkFinding(never)), "Unknown NotTalkedYet");
  const told = talkFinding({ last: BAD, ageMs: 0, goodAgeMs: Infinity, failures: 1 });
  assert.equal(first(told), "Unknown NotTalkedYet");
  assert.match(told.message, /send failed: UNAVAILABLE/);
});

const ready = (object: KubeObject, readyReplicas: number): KubeObject =>
  ({ ...object, status: { readyReplicas } }) as KubeObject;

const observed = (input: DesiredInput, connectors: number): Observed =>
  new Observed([
    ...(["router", "storage", "api"] as const).map((name) => ready(deployment(input, name), 1)),
    ready(connectorRevision(input, 2), connectors),
  ]);

const withCondition = (status: Condition["status"], reason: string): DesiredInput => {
  const condition = { type: "SyntheticTalk", status, reason } as Condition;
  const cluster = { ...clusterOf(), status: { observedGeneration: 1, conditions: [condition] } };
  return inputOf({}, { cluster });
};

test("talks begin once each component has had a ready pod, and go on after any failure", () => {
  const input = inputOf();
  const reason = (of: DesiredInput, connectors: number, isTalked = false): string | undefined =>
    whyNotTalked(of, observed(of, connectors), isTalked)?.reason;
  assert.equal(reason(input, 0), "NotReadyYet");
  assert.equal(reason(input, 1), undefined);
  assert.equal(reason(input, 0, true), undefined);
  for (const [status, why] of [
    ["True", "Talked"],
    ["False", "SendFails"],
    ["Unknown", "Stale"],
    ["Unknown", "NotTalkedYet"],
  ] as const)
    assert.equal(reason(withCondition(status, why), 0), undefined, why);
  for (const why of ["NotReadyYet", "Hibernating", "Paused"])
    assert.equal(reason(withCondition("Unknown", why), 0), "NotReadyYet", why);
});

test("there are no talks if they are not wanted, and the condition is Unknown with the reason", () => {
  for (const [spec, reason] of [
    [{ hibernate: true }, "Hibernating"],
    [{ paused: true }, "Paused"],
    [{ connectors: { replicas: 0 } }, "NoConnectors"],
  ] as const) {
    const input = inputOf(spec);
    const finding = whyNotTalked(input, observed(input, 1), true);
    assert.deepEqual([finding?.status, finding?.reason], ["Unknown", reason]);
  }
});
