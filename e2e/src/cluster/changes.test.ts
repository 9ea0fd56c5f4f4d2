import assert from "node:assert/strict";
import { test } from "node:test";
import { TRANSITIONS } from "@jichat/operator/crd/transitions.ts";
import { NOT_HERE, OF_THREE, SIGNING_OUT, changesOf, changesOutside, rowsIn } from "./changes.ts";
import { REFUSED, REFUSED_SLEEPING } from "./refused-changes.ts";

const ELSEWHERE = { registry: "r", nats: "n", redis: "r", clickhouse: "c" };
const CHANGES = [
  ...changesOf({ versions: ["0.1.0", "0.1.1"], pullPolicy: "Never", elsewhere: ELSEWHERE }),
  ...changesOutside("people"),
  ...OF_THREE,
  SIGNING_OUT,
];
const TRIED = new Set(CHANGES.flatMap(({ patch }) => rowsIn(patch)));
const REFUSED_ROWS = new Set([...REFUSED, ...REFUSED_SLEEPING].flatMap(({ patch }) => rowsIn(patch)));

test("each accepted change is tried on a real cluster, or has a reason why not", () => {
  for (const [row, { does }] of Object.entries(TRANSITIONS)) {
    if (does === "refused") continue;
    const isNamed = row in NOT_HERE;
    assert.equal(
      TRIED.has(row),
      !isNamed,
      `${row} is ${isNamed ? "tried and named" : "neither tried nor named"}`,
    );
  }
  assert.deepEqual(
    Object.keys(NOT_HERE).filter((row) => TRANSITIONS[row] === undefined),
    [],
  );
});

test("each refused change is tried on a real cluster", () => {
  for (const [row, { does, refuses }] of Object.entries(TRANSITIONS))
    if (does === "refused" || refuses !== undefined) assert.ok(REFUSED_ROWS.has(row), row);
});

test("a change replaces pods exactly if one of its rows says so", () => {
  for (const { name, patch, rolls } of CHANGES) {
    const isRolled = rowsIn(patch).some((row) => TRANSITIONS[row]?.does === "rolled");
    assert.equal(rolls.length > 0, isRolled, name);
  }
});

test("a field finds its row, or none", () => {
  assert.deepEqual(rowsIn({ routers: { template: { labels: { "example.com/a": "b" } } } }), [
    "routers.template.*",
  ]);
  assert.deepEqual(rowsIn({ api: { template: { serviceAccount: { annotations: { a: "b" } } } } }), [
    "api.template.serviceAccount.annotations",
  ]);
  assert.deepEqual(rowsIn({ image: { pullSecrets: [{ name: "a" }] } }), ["image.pullSecrets.name"]);
  assert.deepEqual(rowsIn({ nats: { managed: null } }), []);
  assert.throws(() => rowsIn({ later: { field: 1 } }), /no row for later\.field/);
});
