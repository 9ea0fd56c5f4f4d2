import assert from "node:assert/strict";
import { test } from "node:test";
import { inputOf } from "../../test/input.ts";
import { serversOf } from "../desired/desired.ts";
import type { ServerSet } from "../desired/server-set.ts";
import { Observed } from "../observed.ts";
import { withTakeOver } from "./take-over.ts";

const setOf = (replicas: number): ServerSet => {
  const servers = serversOf(inputOf({ nats: { managed: { replicas } } }));
  return (servers.find(({ metadata }) => metadata.name === "chat-nats") ?? assert.fail()) as ServerSet;
};

test("three nats-servers are rolled by the operator, and one by Kubernetes", () => {
  assert.deepEqual(setOf(3).spec.updateStrategy, { type: "OnDelete" });
  assert.equal(setOf(1).spec.updateStrategy, undefined);
});

test("a set that Kubernetes rolled is taken over in two applies, and the first lets Kubernetes restart nothing", () => {
  const wanted = setOf(3);
  const over = (...objects: readonly ServerSet[]): ServerSet =>
    withTakeOver([wanted], new Observed(objects))[0] as ServerSet;
  assert.equal(over(), wanted, "a new one");
  const { updateStrategy: _, ...spec } = wanted.spec;
  const updateStrategy = { type: "RollingUpdate", rollingUpdate: { partition: 0 } };
  const first = over({ ...wanted, spec: { ...spec, updateStrategy } });
  const rollingUpdate = { partition: 3, maxUnavailable: 1 };
  assert.deepEqual(first.spec.updateStrategy, { type: "RollingUpdate", rollingUpdate });
  assert.equal(over(first), wanted, "then what is set is left out, and goes");
  assert.equal(over(wanted), wanted);
});

test("a single server stays as it is", () => {
  const one = setOf(1);
  assert.equal(withTakeOver([one], new Observed([one]))[0], one);
});
