import assert from "node:assert/strict";
import { test } from "node:test";
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
  assert.deepEqual(drainsTold({ pods }), [
    { pod: "c", why, phase: "Goes", since },
    { pod: "b", why, phase: "Drains", since, deadline: "2026-03-03T00:01:00.000Z", connections: 7 },
    { pod: "a", why, phase: "Leaves", since, connections: 10 },
  ]);
});

test("a status holds so many, and no more", () => {
  const pods = Array.from({ length: DRAINS_MAX + 1 }, (_, at) => podOf(`p${at}`, { mark }));
  assert.equal(drainsTold({ pods }).length, DRAINS_MAX);
});
