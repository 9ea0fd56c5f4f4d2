import assert from "node:assert/strict";
import { test } from "node:test";
import { connectorPods, inputOf } from "../../test/input.ts";
import { LABELS } from "../desired/names.ts";
import { services } from "../desired/services.ts";
import { connectorRevision } from "../desired/workloads.ts";
import type { KubeObject } from "../kube/object.ts";
import { Observed } from "../observed.ts";
import { DRAIN_ANNOTATION } from "./drain-mark.ts";
import type { PodObject } from "../pod-object.ts";
import { Metrics } from "../pod-metrics.ts";
import { fleetOf, toldBy } from "./read-fleet.ts";
import { withRouting } from "./routing.ts";

const INPUT = inputOf({ drain: { deadlineSeconds: 30, maxReconnectsPerSecond: 70 } });
const DEPLOYMENT = connectorRevision(INPUT, 2);
const REVISION = DEPLOYMENT.metadata.labels?.[LABELS.revision] ?? "";
const [POD, OTHER] = connectorPods(DEPLOYMENT, 2) as unknown as readonly [PodObject, PodObject];

const withStatus = (status: object): PodObject => ({
  ...POD,
  status: Object.assign({}, POD.status, status),
});
const TOLD = "jichat_connector_sockets 3\njichat_connector_drain 1\njichat_connector_shed_left 0\n";
const seen = (...objects: readonly KubeObject[]) =>
  fleetOf(
    INPUT,
    new Observed([DEPLOYMENT, ...objects]),
    { current: REVISION, drainsOld: true, isUrgent: false },
    {
      now: 5_000,
      pods: new Map([[POD.metadata.name, toldBy(new Metrics(TOLD))]]),
    },
  );

test("a fleet has what the spec, the API server and the connectors say", () => {
  const { pods, revisions, ...rest } = seen(POD, OTHER);
  const bounds = { deadlineMs: 30_000, perSecond: 70 };
  const wish = { wanted: 2, currentMax: 2, drainsOld: true, isUrgent: false, current: REVISION };
  assert.deepEqual(rest, { now: 5_000, ...wish, ...bounds });
  assert.deepEqual(revisions, [{ name: REVISION, replicas: 2, counted: 0, isSeen: true }]);
  assert.deepEqual(pods[0], {
    name: POD.metadata.name,
    revision: REVISION,
    node: "node-0",
    isRunning: true,
    isReady: true,
    readyChangedAt: undefined,
    isEnding: false,
    isRouted: true,
    isInService: false,
    mark: undefined,
    connections: 3,
    drain: "waiting",
    shed: undefined,
    shedLeft: 0,
  });
  assert.deepEqual([pods[1]?.connections, pods[1]?.drain], [undefined, undefined], "it did not answer");
});

test("a pod runs while its container does, and one that has ended is none", () => {
  const runs = (status: object): boolean | undefined => seen(withStatus(status)).pods[0]?.isRunning;
  assert.equal(runs({ containerStatuses: [{ state: { running: {} } }] }), true);
  assert.equal(runs({ containerStatuses: [{ state: { waiting: { reason: "CrashLoopBackOff" } } }] }), false);
  assert.equal(runs({ phase: "Pending" }), false);
  assert.equal(runs({ podIP: undefined }), false);
  for (const phase of ["Failed", "Succeeded"]) assert.deepEqual(seen(withStatus({ phase })).pods, []);
});

test("since when a pod is ready, or not, is as its kubelet says it", () => {
  const since = (lastTransitionTime?: string): number | undefined => {
    const conditions = [
      { type: "PodScheduled", status: "True", lastTransitionTime: "2026-03-03T00:00:00Z" },
      { type: "Ready", status: "True", ...(lastTransitionTime === undefined ? {} : { lastTransitionTime }) },
    ];
    return seen(withStatus({ conditions })).pods[0]?.readyChangedAt;
  };
  assert.equal(since("2026-03-03T00:00:07Z"), Date.parse("2026-03-03T00:00:07Z"));
  assert.equal(since(), undefined);
  assert.equal(since("soon"), undefined);
});

test("a pod is in its Service while an EndpointSlice of that Service has it as ready", () => {
  const slice = (service: string, conditions: object, name = POD.metadata.name): KubeObject =>
    ({
      apiVersion: "discovery.k8s.io/v1",
      kind: "EndpointSlice",
      metadata: { name: "s", namespace: "people", labels: { "kubernetes.io/service-name": service } },
      endpoints: [{ addresses: ["10.0.0.1"], conditions, targetRef: { kind: "Pod", name } }],
    }) as unknown as KubeObject;
  const isIn = (object: KubeObject): boolean | undefined => seen(POD, object).pods[0]?.isInService;
  assert.equal(isIn(slice("chat-connector", { ready: true })), true);
  assert.equal(isIn(slice("chat-connector", {})), true, "what is not said counts as ready");
  assert.equal(isIn(slice("chat-connector", { ready: false, serving: true })), false);
  assert.equal(isIn(slice("chat-api", { ready: true })), false);
  assert.equal(isIn(slice("chat-connector", { ready: true }, "another")), false);
  assert.equal(isIn({ ...slice("chat-connector", {}), endpoints: null } as unknown as KubeObject), false);
});

test("the Service selects by the label once every pod that stays has it, and from then on for good", () => {
  const service = services(INPUT).find(({ metadata }) => metadata.name === "chat-connector");
  assert.ok(service !== undefined);
  const { [LABELS.routed]: _, ...older } = POD.metadata.labels ?? {};
  const unlabelled = { ...OTHER, metadata: { ...OTHER.metadata, labels: older } };
  const leaving = {
    ...unlabelled,
    metadata: { ...unlabelled.metadata, annotations: { [DRAIN_ANNOTATION]: "{}" } },
  };
  const selectsBy = (...objects: readonly KubeObject[]): boolean => {
    const [made] = withRouting([service], INPUT, new Observed(objects));
    return LABELS.routed in (made as unknown as { spec: { selector: object } }).spec.selector;
  };
  assert.equal(selectsBy(), true, "a new ChatCluster");
  assert.equal(selectsBy(POD, unlabelled), false);
  assert.equal(selectsBy(POD, leaving), true);
  assert.equal(selectsBy(service, POD, unlabelled), true);
});
