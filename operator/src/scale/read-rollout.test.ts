import assert from "node:assert/strict";
import { test } from "node:test";
import { fleetWith } from "../../test/fleet-with.ts";
import { inputOf } from "../../test/input.ts";
import { migrationJob } from "../desired/workloads.ts";
import type { KubeObject } from "../kube/object.ts";
import { Observed } from "../observed.ts";
import { readRollout } from "./read-rollout.ts";

const OK = { state: "ok", message: "" } as const;
const BACKENDS = { nats: OK, redis: OK, clickhouse: OK, streams: undefined };
const FLEET = fleetWith([], { wanted: 1 });

const waitingPod = (name: string, reason: string): KubeObject =>
  ({
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name, namespace: "people", labels: {} },
    spec: { containers: [{ name: "storage", image: "x/storage:9" }] },
    status: { containerStatuses: [{ name: "storage", image: "", state: { waiting: { reason } } }] },
  }) as unknown as KubeObject;

test("a schema's Job without its image is told by its pod, and other pods are not counted", () => {
  const input = inputOf();
  const job = migrationJob(input) ?? assert.fail("this ClickHouse is migrated by a Job");
  const told = (...pods: readonly KubeObject[]) =>
    readRollout(input, new Observed([job, ...pods]), FLEET, BACKENDS).unpulled;
  const own = `${job.metadata.name}-abcde`;
  assert.equal(told(waitingPod(own, "ErrImagePull")), `pod ${own} cannot pull x/storage:9: ImagePullBackOff`);
  assert.equal(told(waitingPod(own, "ContainerCreating")), undefined);
  assert.equal(told(waitingPod("chat-router-1", "ErrImagePull")), undefined);
  assert.equal(told(), undefined);
});

test("a pod of a Job with a long name is known, though Kubernetes has cut the name in it", () => {
  const { cluster, ...rest } = inputOf();
  const metadata = { ...cluster.metadata, name: "a".repeat(52) };
  const input = { ...rest, cluster: { ...cluster, metadata } };
  const job = migrationJob(input) ?? assert.fail("this ClickHouse is migrated by a Job");
  assert.ok(job.metadata.name.length > 58, job.metadata.name);
  const pod = `${job.metadata.name.slice(0, 58)}abcde`;
  const observed = new Observed([job, waitingPod(pod, "ErrImagePull")]);
  assert.match(readRollout(input, observed, FLEET, BACKENDS).unpulled ?? "", /cannot pull/);
});
