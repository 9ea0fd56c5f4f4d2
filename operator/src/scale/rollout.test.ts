import assert from "node:assert/strict";
import { test } from "node:test";
import type { RevisionSeen, RolloutFacts } from "./rollout.ts";
import { rolloutOf } from "./rollout.ts";
import { rollsOut } from "./rollout-finding.ts";
import type { Phase, Rollout } from "./rollout-state.ts";
import { atRest, backing, begun, entering, steeringOf, timeOf } from "./rollout-state.ts";

const NOW = Date.parse("2026-03-03T12:00:00Z");
const S = 1_000;
const [OLD, NEW, NEXT] = [
  { version: "0.1.0", revision: "old" },
  { version: "0.2.0", revision: "new" },
  { version: "0.2.1", revision: "next" },
];
const PROVING = { state: "proving", message: "it starts" } as const;
const PROVEN = { state: "proven", message: "" } as const;
const FAILED = { state: "failed", message: "a message was lost" } as const;

const seen = (target: typeof OLD, ready: number, pods = ready): RevisionSeen => ({ ...target, ready, pods });

const facts = (more: Partial<RolloutFacts> = {}): RolloutFacts => ({
  now: NOW,
  to: NEW,
  revisions: [seen(OLD, 2)],
  wanted: 2,
  rules: { mode: "Automatic", progressDeadlineMs: 600 * S, soakMs: 60 * S },
  isAsleep: false,
  isPaused: false,
  isDraining: false,
  objections: () => [],
  schema: "done",
  canary: PROVING,
  unsettled: [],
  gates: [],
  hasSlot: () => true,
  ...more,
});

const at = (phase: Phase, agoS = 10): Rollout => entering(begun(OLD, NEW, NOW), phase, NOW - agoS * S);
const phaseOf = (before: Rollout | undefined, more: Partial<RolloutFacts> = {}): Phase =>
  rolloutOf(before, facts(more)).phase;

test("a first install has nothing to be careful of, and neither has a revision that never served", () => {
  for (const revisions of [[], [seen(NEW, 0, 2)], [seen(OLD, 0, 2)]]) {
    const { phase, to } = rolloutOf(undefined, facts({ revisions }));
    assert.deepEqual([phase, to], ["Done", NEW]);
  }
  assert.equal(phaseOf(atRest(OLD, 0), { revisions: [seen(OLD, 0, 2)] }), "Done");
});

test("what an operator without rollouts left goes on from the revision that most ready pods have", () => {
  const revisions = [seen(NEXT, 1), seen(OLD, 2), seen(NEW, 0, 2)];
  const { phase, from } = rolloutOf(undefined, facts({ revisions }));
  assert.deepEqual([phase, from], ["Preflight", OLD]);
});

test("a rollout goes through its phases, and each waits for what it is for", () => {
  const schema = facts({ schema: "running" });
  const steps: readonly (readonly [Phase, Partial<RolloutFacts>])[] = [
    ["Preflight", { objections: () => [{ gate: "Skew", message: "too far" }] }],
    ["Migrating", { schema: schema.schema }],
    ["Canary", {}],
    ["Waiting", { canary: PROVEN, hasSlot: () => false }],
    ["Backends", { canary: PROVEN, unsettled: ["router 1/2"] }],
    ["Connectors", { canary: PROVEN }],
    ["Connectors", { revisions: [seen(OLD, 2), seen(NEW, 2)] }],
    ["Connectors", { revisions: [seen(OLD, 0, 1), seen(NEW, 2)] }],
    ["Soaking", { revisions: [seen(OLD, 0), seen(NEW, 2)] }],
    ["Done", { revisions: [seen(OLD, 0), seen(NEW, 2)], now: NOW + 60 * S }],
    ["Done", { revisions: [seen(NEW, 2)], now: NOW + 90 * S }],
  ];
  let rollout: Rollout | undefined = atRest(OLD, 0);
  for (const [phase, more] of steps) {
    const before: Rollout | undefined = rollout;
    rollout = rolloutOf(rollout, facts(more));
    assert.equal(rollout.phase, phase, JSON.stringify(before));
    assert.equal(rolloutOf(rollout, facts(more)).phase, phase, "the next operator decides the same");
  }
  assert.deepEqual([rollout?.from, rollout?.to, rollout?.failed], [OLD, NEW, undefined]);
});

test("connectors are of the revision that served until the canary is proven, and again when it is taken back", () => {
  for (const phase of ["Preflight", "Migrating", "Canary", "Waiting", "RollingBack", "RolledBack"] as const) {
    const { current, holdsVersion, keeps } = steeringOf(at(phase));
    assert.deepEqual([current, holdsVersion, keeps], ["old", true, undefined], phase);
  }
  assert.deepEqual(steeringOf(at("Backends")), {
    current: "old",
    drainsOld: true,
    isUrgent: false,
    holdsVersion: false,
    migrates: true,
    wantsCanary: false,
    keeps: undefined,
  });
  for (const phase of ["Connectors", "Soaking"] as const) {
    const { current, holdsVersion, keeps } = steeringOf(at(phase));
    assert.deepEqual([current, holdsVersion, keeps], ["new", false, "old"], phase);
  }
  assert.equal(steeringOf(at("Done")).keeps, undefined);
});

test("a canary that fails is the end, and its reason is said; the same revision is not tried again", () => {
  for (const phase of ["Canary", "Waiting"] as const) {
    const rollout = rolloutOf(at(phase), facts({ canary: FAILED, hasSlot: () => false }));
    assert.equal(rollout.phase, "RolledBack");
    assert.deepEqual(rollout.failed, {
      ...NEW,
      reason: "canary failed: a message was lost",
      at: timeOf(NOW),
    });
    assert.equal(phaseOf(rollout, { now: NOW + 9_999 * S, canary: PROVEN }), "RolledBack");
  }
});

test("a revision that was taken back is tried again by a promotion, once, and when the spec changes", () => {
  const failed = rolloutOf(at("Canary"), facts({ canary: FAILED }));
  assert.equal(phaseOf(failed, { promote: "old" }), "RolledBack", "of another revision");
  const again = rolloutOf(failed, facts({ promote: "new" }));
  assert.deepEqual([again.phase, again.isPromoted, again.failed], ["Canary", true, undefined]);
  const twice = rolloutOf(again, facts({ promote: "new", canary: FAILED }));
  assert.equal(twice.phase, "RolledBack");
  assert.equal(phaseOf(twice, { promote: "new" }), "RolledBack", "the word that was taken counts once");
  const unsaid = rolloutOf(twice, facts());
  assert.equal(phaseOf(unsaid, { promote: "new" }), "Canary", "and a new word anew");
  const next = rolloutOf(failed, facts({ to: NEXT }));
  assert.deepEqual([next.phase, next.from, next.to, next.failed], ["Canary", OLD, NEXT, undefined]);
  const back = rolloutOf(failed, facts({ to: OLD }));
  assert.deepEqual([back.phase, back.to, back.failed], ["Done", OLD, undefined]);
});

test("a supervised rollout waits for exactly its own promotion, and needs no slot meanwhile", () => {
  const rules = { ...facts().rules, mode: "Supervised" } as const;
  const slots: string[] = [];
  const hasSlot = ({ phase }: Rollout): boolean => {
    slots.push(phase);
    return true;
  };
  const waits = rolloutOf(at("Canary"), facts({ rules, canary: PROVEN, hasSlot, promote: "next" }));
  assert.equal(waits.phase, "Waiting");
  assert.deepEqual(
    waits.blockedBy.map(({ gate }) => gate),
    ["Promotion"],
  );
  assert.deepEqual(slots, []);
  assert.equal(phaseOf(waits, { rules, canary: PROVEN, now: NOW + 86_400 * S }), "Waiting", "for days");
  assert.equal(phaseOf(waits, { rules, canary: PROVEN, promote: "new", unsettled: ["api 1/2"] }), "Backends");
  assert.equal(phaseOf(waits, { rules, canary: PROVEN, unsettled: ["api 1/2"] }), "Waiting");
});

test("a person takes back what is under way, and not what is over", () => {
  for (const phase of ["Preflight", "Canary", "Waiting", "Backends"] as const)
    assert.equal(phaseOf(at(phase), { rollback: "new" }), "RolledBack", phase);
  for (const phase of ["Connectors", "Soaking"] as const) {
    const revisions = [seen(OLD, 0), seen(NEW, 2)];
    const rollout = rolloutOf(at(phase), facts({ rollback: "new", revisions }));
    assert.deepEqual([rollout.phase, rollout.failed?.reason], ["RollingBack", "a person asked for it"]);
    assert.equal(phaseOf(rollout, { revisions: [seen(OLD, 2), seen(NEW, 0, 1)] }), "RollingBack");
    assert.equal(phaseOf(rollout, { revisions: [seen(OLD, 2), seen(NEW, 0)] }), "RolledBack");
  }
  assert.equal(phaseOf(at("Done"), { rollback: "new" }), "Done");
  assert.equal(phaseOf(at("Canary"), { rollback: "old" }), "Canary", "of another revision");
});

test("without progress until the deadline it is taken back; each step of progress sets it anew", () => {
  const revisions = (ready: number): readonly RevisionSeen[] => [seen(OLD, 2), seen(NEW, ready, 2)];
  const gates = [{ gate: "ErrorRate", message: "too many errors" }];
  let rollout = rolloutOf(at("Connectors"), facts({ revisions: revisions(0), gates }));
  const later = (seconds: number, more: Partial<RolloutFacts>): Rollout =>
    rolloutOf(rollout, facts({ gates, now: NOW + seconds * S, ...more }));
  assert.equal(steeringOf(rollout).drainsOld, false, "a closed gate holds");
  assert.equal(later(599, { revisions: revisions(0) }).phase, "Connectors");
  const late = later(600, { revisions: revisions(0) });
  assert.equal(late.phase, "RollingBack");
  assert.match(late.failed?.reason ?? "", /no progress in phase Connectors for 600 s: ErrorRate: too many/);
  rollout = later(599, { revisions: revisions(1) });
  assert.equal(later(1_198, { revisions: revisions(1) }).phase, "Connectors");
  rollout = later(1_198, { revisions: revisions(0) });
  assert.equal(later(1_199, { revisions: revisions(1) }).phase, "RollingBack", "what came again is no news");
  const drains = later(1_199, { revisions: revisions(1), isDraining: true });
  assert.equal(drains.phase, "Connectors", "a drain has a deadline of its own");
});

test("a rollout says what the next drain waits for", () => {
  const revisions = [seen(OLD, 2), seen(NEW, 2)];
  const messageOf = (more: Partial<RolloutFacts>): string =>
    rolloutOf(at("Connectors"), facts({ revisions, ...more })).message;
  assert.equal(messageOf({}), "2 of 2 new connectors are ready, 2 old ones are left");
  assert.equal(
    messageOf({ drainWaitsFor: "something" }),
    "2 of 2 new connectors are ready, 2 old ones are left; the next drain waits for something",
  );
});

test("a canary that is never proven and components that never settle are late; a schema and a wait are not", () => {
  for (const [phase, more, after] of [
    ["Canary", {}, "RolledBack"],
    ["Backends", { unsettled: ["router 1/2"] }, "RolledBack"],
    ["Migrating", { schema: "failed" }, "Migrating"],
    ["Migrating", { schema: "running" }, "Migrating"],
    ["Migrating", { schema: "running", unpulled: "pod m cannot pull x" }, "RolledBack"],
    ["Waiting", { canary: PROVEN, hasSlot: () => false }, "Waiting"],
    ["Preflight", { objections: () => [{ gate: "Skew", message: "" }] }, "Preflight"],
  ] as const) {
    const first = rolloutOf(at(phase), facts(more));
    assert.equal(phaseOf(first, { ...more, now: NOW + 600 * S }), after, phase);
  }
});

test("a schema whose Job has no image says so, is taken back for it, and has all its time once it has one", () => {
  const unpulled = { schema: "running", unpulled: "pod m cannot pull x: ImagePullBackOff" } as const;
  const first = rolloutOf(at("Migrating"), facts(unpulled));
  assert.deepEqual(first.blockedBy, [
    {
      gate: "Schema",
      message: "the Job that migrates ClickHouse cannot start: pod m cannot pull x: ImagePullBackOff",
    },
  ]);
  const late = rolloutOf(first, facts({ ...unpulled, now: NOW + 600 * S }));
  assert.match(late.failed?.reason ?? "", /no progress in phase Migrating for 600 s: .* cannot pull x/);
  const pulled = rolloutOf(first, facts({ schema: "running", now: NOW + 599 * S }));
  assert.equal(phaseOf(pulled, { schema: "running", now: NOW + 9_000 * S }), "Migrating");
  assert.equal(phaseOf(pulled, { ...unpulled, now: NOW + 9_000 * S }), "Migrating", "it counts anew");
});

test("pauses and missing slots are not the rollout's fault, and a clock that was ahead is not believed", () => {
  const stuck = { revisions: [seen(OLD, 2), seen(NEW, 0, 2)] };
  const first = rolloutOf(at("Connectors"), facts(stuck));
  for (const held of [{ isPaused: true }, { hasSlot: () => false }]) {
    const paused = rolloutOf(first, facts({ ...stuck, ...held, now: NOW + 9_000 * S }));
    assert.equal(paused.phase, "Connectors");
    assert.equal(phaseOf(paused, { ...stuck, now: NOW + 9_001 * S }), "Connectors");
  }
  const ahead = rolloutOf(at("Connectors"), facts({ ...stuck, now: NOW + 9_000 * S }));
  const back = rolloutOf(ahead, facts(stuck));
  assert.equal(back.progress?.at, timeOf(NOW));
  const soaks = entering(at("Soaking"), "Soaking", NOW + 9_000 * S);
  const settled = { revisions: [seen(OLD, 0), seen(NEW, 2)] };
  const right = rolloutOf(soaks, facts(settled));
  assert.equal(phaseOf(right, { ...settled, now: NOW + 60 * S }), "Done");
});

test("the spec changes in the middle: who served stays, and the half that came goes first", () => {
  const half = [seen(OLD, 2), seen(NEW, 1, 2)];
  for (const phase of ["Preflight", "Migrating", "Canary", "Waiting", "Backends"] as const) {
    const { phase: now, from, to } = rolloutOf(at(phase), facts({ to: NEXT, unsettled: ["api 1/2"] }));
    assert.deepEqual([now, from, to], ["Canary", OLD, NEXT], phase);
  }
  const back = rolloutOf(at("Connectors"), facts({ to: NEXT, revisions: half }));
  assert.deepEqual([back.phase, back.to, back.failed], ["RollingBack", NEW, undefined]);
  assert.equal(steeringOf(back).current, "old");
  assert.equal(steeringOf(back).isUrgent, true, "what fails is left at once");
  const { phase, from, to } = rolloutOf(back, facts({ to: NEXT, revisions: [seen(OLD, 2), seen(NEW, 0)] }));
  assert.deepEqual([phase, from, to], ["Canary", OLD, NEXT]);
  // Once all devices are on the new one, a way back would move them twice.
  for (const phase of ["Connectors", "Soaking"] as const) {
    const there = rolloutOf(at(phase), facts({ to: NEXT, revisions: [seen(OLD, 0), seen(NEW, 2)] }));
    assert.deepEqual([there.phase, there.from, there.to], ["Canary", NEW, NEXT], phase);
  }
  assert.equal(phaseOf(at("Connectors"), { to: OLD }), "Done", "nothing of it had come");
  assert.equal(phaseOf(at("Connectors"), { to: OLD, revisions: half }), "RollingBack");
});

test("a soak ends with every connector ready, or in the way back", () => {
  const revisions = [seen(OLD, 0), seen(NEW, 1, 2)];
  const soaks = at("Soaking", 60);
  const late = rolloutOf(soaks, facts({ revisions }));
  assert.equal(late.phase, "Soaking");
  assert.equal(phaseOf(late, { revisions, now: NOW + 599 * S }), "Soaking");
  assert.equal(phaseOf(late, { revisions, now: NOW + 600 * S }), "RollingBack");
  const held = rolloutOf(late, facts({ revisions, isPaused: true, now: NOW + 900 * S }));
  assert.equal(phaseOf(held, { revisions, now: NOW + 900 * S }), "Soaking", "a pause is no time of its own");
});

test("a soak is not over while the new revision does harm, which is taken back if that does not end", () => {
  const revisions = [seen(OLD, 0), seen(NEW, 2)];
  const soaks = at("Soaking", 60);
  assert.equal(rollsOut(soaks), undefined, "only time is left");
  for (const gate of ["ReconnectSuccess", "ErrorRate"] as const) {
    const gates = [{ gate, message: "bad" }];
    const held = rolloutOf(soaks, facts({ revisions, gates }));
    assert.deepEqual([held.phase, held.blockedBy], ["Soaking", gates]);
    assert.equal(rollsOut(held)?.message, `phase Soaking: ${gate}: bad`);
    const later = rolloutOf(held, facts({ revisions, gates, now: NOW + 599 * S }));
    const { phase, blockedBy } = rolloutOf(later, facts({ revisions, now: NOW + 600 * S }));
    assert.deepEqual([phase, blockedBy], ["Done", []]);
    const late = rolloutOf(later, facts({ revisions, gates, now: NOW + 600 * S }));
    assert.equal(late.phase, "RollingBack");
    assert.match(
      late.failed?.reason ?? "",
      new RegExp(`no progress in phase Soaking for 600 s: ${gate}: bad`),
    );
  }
  for (const gate of ["StorageLag", "NoOtherDrain"])
    assert.equal(phaseOf(soaks, { revisions, gates: [{ gate, message: "not of connectors" }] }), "Done");
});

test("a spec that changes and is set back during a rollout is begun again", () => {
  const half = [seen(OLD, 2), seen(NEW, 1, 2)];
  const back = rolloutOf(at("Connectors"), facts({ to: NEXT, revisions: half }));
  assert.equal(back.phase, "RollingBack");
  assert.equal(phaseOf(back, { revisions: half }), "RollingBack");
  assert.equal(phaseOf(back, { revisions: [seen(OLD, 2), seen(NEW, 0)] }), "Canary");
});

test("a way back that cannot end takes another spec, or a promotion", () => {
  const revisions = [seen(OLD, 1, 2), seen(NEW, 1)];
  const stuck = backing(at("Connectors"), "it is slow", NOW);
  const soon = { revisions, now: NOW + 599 * S };
  const late = { revisions, now: NOW + 600 * S };
  for (const [more, phase] of [
    [{ ...soon, to: NEXT }, "RollingBack"],
    [{ ...late, to: NEXT }, "Canary"],
    [{ ...soon, promote: NEW.revision }, "RollingBack"],
    [{ ...late, promote: NEW.revision }, "Canary"],
  ] as const)
    assert.equal(phaseOf(stuck, more), phase);
});

test("a promotion of what failed proves itself on a canary, also where nothing is ready", () => {
  const failed = entering(backing(at("Canary"), "it crashed", NOW), "RolledBack", NOW);
  assert.equal(phaseOf(failed, { promote: NEW.revision, revisions: [seen(OLD, 0, 2)] }), "Canary");
});

test("asleep there is nothing to be careful of, but a revision that was taken back stays so", () => {
  const back = backing(at("Connectors"), "it is slow", NOW);
  assert.equal(phaseOf(back, { isAsleep: true, revisions: [] }), "RolledBack");
  for (const phase of ["Canary", "Backends", "Connectors", "Soaking", "RollingBack"] as const)
    assert.equal(phaseOf(at(phase), { isAsleep: true, revisions: [] }), "Done", phase);
  const failed = entering(backing(at("Canary"), "it crashed", NOW), "RolledBack", NOW);
  assert.equal(phaseOf(failed, { isAsleep: true, revisions: [seen(OLD, 0)] }), "RolledBack");
});

test("without the revision that served there is only the way forward", () => {
  assert.equal(phaseOf(at("Canary"), { revisions: [] }), "Done");
  assert.equal(phaseOf(at("RolledBack"), { revisions: [seen(NEW, 1)] }), "Done");
});

test("what a status holds is bounded", () => {
  const gates = Array.from({ length: 20 }, (_, index) => ({
    gate: `Gate${index}`,
    message: "x".repeat(9_999),
  }));
  const rollout = rolloutOf(at("Connectors"), facts({ revisions: [seen(OLD, 2), seen(NEW, 0)], gates }));
  assert.equal(rollout.blockedBy.length, 8);
  assert.equal(rollout.blockedBy[0]?.message.length, 512);
});
