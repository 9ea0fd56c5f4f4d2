import assert from "node:assert/strict";
import { test } from "node:test";
import { fleetWith } from "../../test/fleet-with.ts";
import { podOf } from "../../test/pod-of.ts";
import { DRAINS_MAX } from "../crd/status.ts";
import { drainsTold } from "./drain-status.ts";

const AT = Date.parse("2026-03-03T00:00:00.000Z");
const mark = { why: "ScaleIn", since: AT } as const;

test("the status names who is to go and how far that is, the furthest first", () => {
  const pods = [
    podOf("stays"),
    podOf("a", { mark }),
    podOf("b", { mark: { ...mark, deadline: AT + 60_000, perSecond: 200 }, connections: 7 }),
    podOf("c", { mark: { ...mark, to: 2 }, connections: undefined }),
    podOf("gone", { mark, isEnding: true }),
  ];
  const [since, why] = ["2026-03-03T00:00:00.000Z", "ScaleIn"];
  assert.deepEqual(drainsTold(fleetWith(pods, { now: AT })), [
    { pod: "c", why, phase: "Goes", since },
    { pod: "b", why, phase: "Drains", since, deadline: "2026-03-03T00:01:00.000Z", connections: 7 },
    { pod: "a", why, phase: "Leaves", since, connections: 10 },
  ]);
});

test("a status holds so many, and no more", () => {
  const pods = Array.from({ length: DRAINS_MAX + 1 }, (_, at) => podOf(`p${at}`, { mark }));
  assert.equal(drainsTold(fleetWith(pods, { now: AT })).length, DRAINS_MAX);
});

test("the status says what the next one waits for", () => {
  const saysOf = (turnSince: number, readyChangedAt: number) =>
    drainsTold(
      fleetWith([podOf("stays", { readyChangedAt }), podOf("next", { mark: { ...mark, turnSince } })], {
        now: AT + 60_000,
      }),
    ).map(({ waitsFor }) => waitsFor);
  assert.deepEqual(saysOf(AT + 50_000, AT + 51_000), [
    "the connectors that take its devices, until they have been ready for 10 s",
  ]);
  assert.deepEqual(saysOf(AT + 56_000, AT), [
    "5 s of rest after the last connector moved its devices or ended",
  ]);
  assert.deepEqual(saysOf(AT + 50_000, AT), [undefined]);
  assert.deepEqual(saysOf(AT + 30_000, AT + 59_000), [undefined], "it has waited for long enough");
});
