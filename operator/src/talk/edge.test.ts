import assert from "node:assert/strict";
import { test } from "node:test";
import type { Fault } from "@jichat/protocol/faults.ts";
import { clusterOf, inputOf } from "../../test/input.ts";
import type { DesiredInput } from "../desired/desired-input.ts";
import { connectorRevision, deployment } from "../desired/workloads.ts";
import type { KubeObject } from "../kube/object.ts";
import { Observed } from "../observed.ts";
import type { BackendsSeen } from "../plan.ts";
import { edgeOf } from "./edge.ts";

const OK = { state: "ok", message: "" } as const;
const WELL: BackendsSeen = { nats: OK, redis: OK, clickhouse: OK, streams: undefined };
const settled = (object: KubeObject, ready = 2): KubeObject =>
  ({
    ...object,
    status: { replicas: ready, readyReplicas: ready, updatedReplicas: ready },
  }) as KubeObject;

const of = (input: DesiredInput, ...connectors: readonly KubeObject[]): Observed =>
  new Observed([settled(deployment(input, "router")), ...connectors]);

test("the print of the edge changes with the spec, the ready pods, the answering backends and the faults", () => {
  const input = inputOf();
  const current = connectorRevision(input, 2);
  const print = (
    more: { input?: DesiredInput; ready?: number; seen?: BackendsSeen; faults?: Fault[] } = {},
  ): string =>
    edgeOf(more.input ?? input, of(input, settled(current, more.ready)), more.seen ?? WELL, {
      faults: more.faults ?? [],
    }).print;
  const cluster = clusterOf();
  const later = { ...input, cluster: { ...cluster, metadata: { ...cluster.metadata, generation: 2 } } };
  const gone = { ...WELL, redis: { state: "unreachable", message: "" } as const };
  const fault: Fault = { fault: "LogFull", partitions: [1], why: "" };
  const prints = [
    print(),
    print({ input: later }),
    print({ ready: 1 }),
    print({ seen: gone }),
    print({ faults: [fault] }),
  ];
  assert.equal(new Set(prints).size, prints.length);
  assert.equal(print(), print());
});

test("connectors are settled once all wanted ones are ready and of the present revision", () => {
  const input = inputOf();
  const current = connectorRevision(input, 2);
  const other = connectorRevision(inputOf({}, { version: "0.9.0" }), 2);
  const isSettled = (...connectors: readonly KubeObject[]): boolean =>
    edgeOf(input, of(input, ...connectors), WELL, { faults: [] }).isSettled;
  assert.equal(isSettled(settled(current)), true);
  assert.equal(isSettled(settled(current, 1)), false);
  assert.equal(isSettled(settled(other)), false, "the one that is wanted is not there yet");
  assert.equal(isSettled(settled(current), settled(other)), false);
});
