import assert from "node:assert/strict";
import { test } from "node:test";
import type { Schema } from "../../test/leaves.ts";
import { leavesOf } from "../../test/leaves.ts";
import { definition } from "./definition.ts";
import type { Ground } from "./ground.ts";
import { REFUSALS, refusedChange } from "./refusals.ts";
import { SPEC } from "./spec.ts";
import { TRANSITIONS, rowOf } from "./transitions.ts";

test("the table of changes has a row for every field of the spec, and no other row", () => {
  const rows = leavesOf(SPEC as Schema).map((path) => rowOf(path) ?? `no row for ${path}`);
  assert.deepEqual([...new Set(rows)].sort(), Object.keys(TRANSITIONS).sort());
});

test("a new field without a row is found", () => {
  const { properties } = SPEC as Schema;
  const more = { properties: { ...properties, later: { properties: { field: {} } } } };
  assert.deepEqual(
    leavesOf(more).filter((path) => rowOf(path) === undefined),
    ["later.field"],
  );
  assert.equal(rowOf("routers.template.env.name"), "routers.template.*");
  assert.equal(
    rowOf("routers.template.serviceAccount.annotations"),
    "routers.template.serviceAccount.annotations",
  );
  assert.equal(rowOf("routers.later"), undefined);
});

test("every refusal concerns a field of the table, and the CRD has its rule and message", () => {
  const named = new Set(Object.values(TRANSITIONS).flatMap(({ refuses = [] }) => refuses));
  assert.deepEqual([...named].sort(), Object.keys(REFUSALS).sort());
  const crd = JSON.stringify(definition());
  for (const { rule, message } of Object.values(REFUSALS))
    assert.ok(crd.includes(`{"rule":${JSON.stringify(rule)},"message":${JSON.stringify(message)}}`), message);
  for (const [path, { does, refuses }] of Object.entries(TRANSITIONS))
    // What loses no data is refused by the API server alone, whose word for it Kubernetes has too.
    assert.ok(does !== "refused" || refuses !== undefined || crd.includes(`"message":"${path} cannot`), path);
});

const GROUND: Ground = {
  partitions: 16,
  nats: { kind: "managed", servers: 3, size: "10Gi", className: "fast" },
  clickhouse: { kind: "managed", size: "10Gi" },
};
const embedded: Ground["clickhouse"] = { kind: "embedded", size: "10Gi" };
const outside = { kind: "external" } as const;
const natsWith = (more: Partial<Ground["nats"]>): Ground => ({
  ...GROUND,
  nats: { ...GROUND.nats, ...more },
});
const historyOn = (clickhouse: Ground["clickhouse"]): Ground => ({ ...GROUND, clickhouse });

test("a change that would lose data is refused in both directions, and any other one is allowed", () => {
  const pairs: readonly [Ground, Ground, RegExp][] = [
    [GROUND, { ...GROUND, partitions: 8 }, /partitions cannot change/],
    [GROUND, natsWith({ servers: 1 }), /nats\.managed\.replicas cannot change/],
    [GROUND, { ...GROUND, nats: outside }, /nats cannot move/],
    [GROUND, historyOn(outside), /clickhouse cannot move/],
    [GROUND, historyOn(embedded), /clickhouse cannot move/],
    [historyOn(embedded), historyOn(outside), /clickhouse cannot move/],
  ];
  for (const [one, other, says] of pairs) {
    assert.match(refusedChange(one, other) ?? "", says);
    assert.match(refusedChange(other, one) ?? "", says);
    assert.equal(refusedChange(one, one), undefined);
  }
});

test("volumes grow in any notation, and neither shrink nor change their class", () => {
  assert.equal(refusedChange(GROUND, natsWith({ size: "10240Mi" })), undefined);
  assert.equal(refusedChange(GROUND, natsWith({ size: "11Gi" })), undefined);
  assert.match(refusedChange(GROUND, natsWith({ size: "10239Mi" })) ?? "", /cannot shrink/);
  assert.match(refusedChange(historyOn(embedded), historyOn({ ...embedded, size: "1Gi" })) ?? "", /shrink/);
  assert.match(refusedChange(GROUND, natsWith({ className: "slow" })) ?? "", /className cannot change/);
  const { className: _, ...unnamed } = GROUND.nats;
  assert.match(refusedChange({ ...GROUND, nats: unnamed }, GROUND) ?? "", /className cannot change/);
});
