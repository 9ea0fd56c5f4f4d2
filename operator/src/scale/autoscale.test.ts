import assert from "node:assert/strict";
import { test } from "node:test";
import { connectorPods, inputOf } from "../../test/input.ts";
import type { ChatClusterStatus } from "../crd/status.ts";
import type { DesiredInput } from "../desired/desired-input.ts";
import { connectorRevision, deployment, wantedReplicas } from "../desired/workloads.ts";
import type { KubeObject } from "../kube/object.ts";
import { Observed } from "../observed.ts";
import { Metrics } from "../pod-metrics.ts";
import { autoscalerOf, withScale } from "./autoscale.ts";

const NOW = Date.parse("2026-03-03T00:00:00Z");
/** A field of the API server's defaults is filled in by hand: the object around it has none. */
const BOUNDS = {
  minReplicas: 2,
  stabilizationWindowSeconds: 300,
  pauseScaleIn: false,
  pauseScaleOut: false,
};
const CONNECTIONS = { ...BOUNDS, mode: "Connections", maxReplicas: 6 };

const scaling = (connectors: object, more: object = {}): DesiredInput =>
  inputOf({ connectors: { maxConnectionsPerPod: 1_000, ...connectors }, ...more });

const after = (input: DesiredInput, autoscaler: ChatClusterStatus["autoscaler"]): DesiredInput => {
  const status = {
    observedGeneration: 1,
    conditions: [],
    ...(autoscaler === undefined ? {} : { autoscaler }),
  };
  return { ...input, cluster: { ...input.cluster, status } };
};

/** The connectors of a revision, each with what it tells. */
function seenOf(input: DesiredInput, told: readonly string[], more: readonly KubeObject[] = [], now = NOW) {
  const revision = connectorRevision(input, told.length);
  const pods = connectorPods(revision, told.length);
  const metrics = new Map(
    pods.flatMap(({ metadata }, at) =>
      told[at] === "" ? [] : [[metadata.name, new Metrics(told[at] ?? "")]],
    ),
  );
  return { observed: new Observed([revision, ...pods, ...more]), metrics, now };
}

const sockets = (...all: readonly number[]): readonly string[] =>
  all.map((one) => `jichat_connector_sockets ${one}\n`);

test("without the field the spec's replicas count, and nothing is told", () => {
  const input = scaling({ replicas: 3 });
  const told = autoscalerOf(input, seenOf(input, sockets(900, 900, 900)));
  assert.equal(told, undefined);
  assert.equal(wantedReplicas(withScale(input, told), "connector"), 3);
});

test("connections choose the number, by 70 % of a pod's limit where nothing is said", () => {
  const usual = scaling({ replicas: 2, autoscaling: CONNECTIONS });
  const told = autoscalerOf(usual, seenOf(usual, sockets(800, 700)));
  assert.deepEqual(told?.connectors, {
    desired: 3,
    reason: "Connections",
    message: "1500 connections, and 700 for each connector",
    since: "2026-03-03T00:00:00.000Z",
    lastScaleTime: "2026-03-03T00:00:00.000Z",
  });
  assert.equal(wantedReplicas(withScale(usual, told), "connector"), 3);
  const own = scaling({ replicas: 2, autoscaling: { ...CONNECTIONS, connectionsPerPod: 300 } });
  assert.equal(autoscalerOf(own, seenOf(own, sockets(800, 700)))?.connectors?.desired, 5);
});

test("messages and the lag of event loops count if the spec has a target for them", () => {
  const busy = (rate: number, lag: number) =>
    `jichat_connector_sockets 9\njichat_connector_messages_per_second ${rate}\njichat_event_loop_lag_seconds ${lag}\n`;
  const targets = { messagesPerSecondPerPod: 1_000, eventLoopLagMs: 50 };
  const input = scaling({ replicas: 2, autoscaling: { ...CONNECTIONS, ...targets } });
  const reason = (...told: readonly string[]) => autoscalerOf(input, seenOf(input, told))?.connectors?.reason;
  assert.equal(reason(busy(2_500, 0), busy(100, 0)), "Messages");
  assert.equal(reason(busy(10, 0.051), busy(10, 0)), "EventLoopLag");
  assert.equal(reason(busy(10, 0), busy(10, 0)), "Enough");
  assert.equal(
    reason(busy(10, 0), "jichat_connector_sockets 9\njichat_event_loop_lag_seconds NaN\n"),
    "MetricsMissing",
  );
});

test("the next decision goes on from the status, and `replicas` is only where it began", () => {
  const input = scaling({ replicas: 2, autoscaling: { ...CONNECTIONS, connectionsPerPod: 100 } });
  const first = autoscalerOf(input, seenOf(input, sockets(250, 250)));
  assert.equal(first?.connectors?.desired, 5);
  const few = sockets(20, 20, 20, 20, 20);
  const later = NOW + 60_000;
  const held = autoscalerOf(after(input, first), seenOf(input, few, [], later));
  assert.equal(held?.connectors?.desired, 5);
  assert.equal(held.connectors.reason, "Stabilising");
  assert.equal(held.connectors.fewerSince, new Date(later).toISOString());
  assert.equal(held.connectors.fewerNeeded, 2);
  const fewer = autoscalerOf(after(input, held), seenOf(input, few, [], later + 300_000));
  assert.equal(fewer?.connectors?.desired, 2);
  assert.equal(fewer.connectors.reason, "FewerNeeded");
});

test("a decision that stays is told in the same words, whatever its figures are by now", () => {
  const input = scaling({ replicas: 2, autoscaling: CONNECTIONS });
  const first = autoscalerOf(input, seenOf(input, sockets(650, 650)));
  const second = autoscalerOf(after(input, first), seenOf(input, sockets(651, 672), [], NOW + 10_000));
  assert.deepEqual(second, first);
});

test("fewer are not taken while a pod drains or sheds, or an old revision is there", () => {
  const input = scaling({ replicas: 2, autoscaling: { ...CONNECTIONS, stabilizationWindowSeconds: 0 } });
  const at4 = after(input, {
    connectors: { desired: 4, reason: "Enough", message: "", since: "2026-01-01T00:00:00.000Z" },
  });
  const reasonWith = (annotations: object, told = sockets(9, 9, 9, 9)) => {
    const seen = seenOf(at4, told);
    const [pod] = seen.observed.ofKind("Pod");
    const other = { ...pod, metadata: { ...pod?.metadata, name: "other", annotations } } as KubeObject;
    const metrics = new Map([
      ...seen.metrics,
      ["other", new Metrics("jichat_connector_sockets 9\n")] as const,
    ]);
    const observed = new Observed([...seen.observed.objects.values(), other]);
    return autoscalerOf(at4, { ...seen, metrics, observed })?.connectors?.reason;
  };
  assert.equal(reasonWith({}), "FewerNeeded");
  assert.equal(reasonWith({ "chat.jichat.io/drain": "{}" }), "Draining");
  const [full = ""] = sockets(9);
  const sheds = [`${full}jichat_connector_shed_left 3\n`, full, full, full];
  assert.equal(reasonWith({}, sheds), "Draining");
});

test("who scales from outside writes `replicas`, and the bounds hold", () => {
  const external = (replicas: number) => {
    const input = scaling({ replicas, autoscaling: { ...CONNECTIONS, mode: "External" } });
    return autoscalerOf(input, seenOf(input, []))?.connectors;
  };
  assert.deepEqual([external(4)?.desired, external(4)?.reason], [4, "External"]);
  assert.deepEqual([external(9)?.desired, external(9)?.reason], [6, "Bounds"]);
  assert.deepEqual(
    [external(0)?.desired, external(0)?.message],
    [2, "replicas is 0; minReplicas is 2 and maxReplicas is 6"],
  );
});

test("nothing is decided while nothing is carried out, and what was is kept", () => {
  const told = { desired: 4, reason: "Enough", message: "", since: "2026-01-01T00:00:00.000Z" };
  for (const more of [{ paused: true }, { hibernate: true }]) {
    const input = after(scaling({ replicas: 2, autoscaling: CONNECTIONS }, more), { connectors: told });
    const decided = autoscalerOf(input, seenOf(input, sockets(9_000, 9_000)));
    assert.deepEqual(decided, { connectors: told });
    const waits = { ...told, fewerSince: "2026-01-01T00:00:00.000Z", fewerNeeded: 2 };
    const before = after(scaling({ replicas: 2, autoscaling: CONNECTIONS }, more), { connectors: waits });
    assert.deepEqual(
      autoscalerOf(before, seenOf(before, sockets(9))),
      { connectors: told },
      "no time counts",
    );
    assert.equal(wantedReplicas(withScale(input, decided), "connector"), "hibernate" in more ? 0 : 4);
  }
});

test("routers are as many as their cores need, and fewer only while none come or go", () => {
  const routers = { ...BOUNDS, maxReplicas: 4, cpuMillicoresPerPod: 700, stabilizationWindowSeconds: 0 };
  const input = inputOf({ routers: { replicas: 2, autoscaling: routers } });
  const seen = (cores: readonly number[], ready: number) => {
    const made = deployment(input, "router");
    const status = {
      replicas: cores.length,
      readyReplicas: ready,
      updatedReplicas: ready,
      observedGeneration: 1,
    };
    const spec = { ...made.spec, replicas: cores.length };
    const pods = cores.map((_, at) => ({
      apiVersion: "v1",
      kind: "Pod",
      metadata: { name: `router-${at}`, namespace: "people", labels: made.spec.template.metadata.labels },
      status: { phase: "Running", podIP: "127.0.0.1" },
    }));
    const metrics = new Map(
      cores.map((one, at) => [`router-${at}`, new Metrics(`jichat_cpu_cores ${one}\n`)]),
    );
    return { observed: new Observed([{ ...made, spec, status } as KubeObject, ...pods]), metrics, now: NOW };
  };
  const more = autoscalerOf(input, seen([0.8, 0.7], 2));
  assert.deepEqual([more?.routers?.desired, more?.routers?.reason], [3, "Cpu"]);
  assert.equal(wantedReplicas(withScale(input, more), "router"), 3);
  const at4 = after(input, {
    routers: { desired: 4, reason: "Cpu", message: "", since: "2026-01-01T00:00:00.000Z" },
  });
  assert.equal(autoscalerOf(at4, seen([0.1, 0.1, 0.1, 0.1], 3))?.routers?.reason, "Draining");
  assert.equal(autoscalerOf(at4, seen([0.1, 0.1, 0.1, 0.1], 4))?.routers?.desired, 2);
});

test("a pod that ends for ever on a node that is lost moves no devices", () => {
  const input = after(
    scaling({ replicas: 2, autoscaling: { ...CONNECTIONS, stabilizationWindowSeconds: 0 } }),
    {
      connectors: { desired: 4, reason: "Enough", message: "", since: "2026-01-01T00:00:00.000Z" },
    },
  );
  const [ghost] = connectorPods(connectorRevision(input, 1), 1);
  assert.ok(ghost);
  const metadata = { ...ghost.metadata, name: "ghost", deletionTimestamp: "2026-03-01T00:00:00Z" };
  const told = autoscalerOf(input, seenOf(input, sockets(9, 9, 9, 9), [{ ...ghost, metadata }]));
  assert.equal(told?.connectors?.reason, "FewerNeeded");
});
