import assert from "node:assert/strict";
import { test } from "node:test";
import { inputOf } from "../test/input.ts";
import { connectorRevision, deployment } from "./desired/workloads.ts";
import { yes } from "./kube/conditions.ts";
import { Observed } from "./observed.ts";
import { planOf } from "./plan.ts";
import { podsRefused, tellPodsRefused } from "./pods-refused.ts";
import { statusOf } from "./status.ts";

const OK = { state: "ok", message: "" } as const;
const BACKENDS = { nats: OK, redis: OK, clickhouse: OK, streams: { ok: true, message: "" } };
const WISH = inputOf();

/** As a quota leaves it: the Deployment is taken, its pods are not. */
const short = (attempt: string) => {
  const router = deployment(WISH, "router");
  const message = `pods "chat-router-5b7-${attempt}" is forbidden: exceeded quota: few, requested: pods=1`;
  const conditions = [
    { type: "Available", status: "True" },
    { type: "ReplicaFailure", status: "True", reason: "FailedCreate", message },
  ];
  return new Observed([
    { ...router, status: { replicas: 1, readyReplicas: 1, updatedReplicas: 1, conditions } },
    connectorRevision(WISH, 2),
  ] as never);
};

test("pods that a quota refuses are reported with Deployment and quota, in the same words at each try", () => {
  const told = tellPodsRefused(podsRefused(short("abcde")));
  assert.equal(
    told,
    "Deployment chat-router cannot create more pods: forbidden: exceeded quota: few, requested: pods=1",
  );
  assert.equal(tellPodsRefused(podsRefused(short("fghij"))), told);
  assert.deepEqual(podsRefused(new Observed([deployment(WISH, "router")])), []);
});

test("refused pods are a condition of the ChatCluster", () => {
  const observed = short("abcde");
  const status = statusOf({
    input: WISH,
    observed,
    backends: BACKENDS,
    plan: planOf(WISH, observed, BACKENDS),
    unserved: [],
    live: {
      connections: 0,
      partitionsServed: 0,
      partitionsOwned: [],
      faults: [],
      silent: [],
      levels: new Map(),
    },
    talk: yes("Talked"),
    level: { finding: yes("Newest") },
    refused: [],
    changed: [],
    now: new Date("2026-03-03T00:00:00Z"),
  });
  const degraded = status.conditions.find(({ type }) => type === "Degraded");
  assert.equal(degraded?.reason, "PodsRefused");
  assert.match(degraded.message, /chat-router cannot create more pods: forbidden: exceeded quota: few/);
});
