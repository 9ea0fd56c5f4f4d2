import assert from "node:assert/strict";
import { test } from "node:test";
import type { KubeObject } from "../kube/object.ts";
import { Observed } from "../observed.ts";
import { UNPROVEN } from "./canary-proof.ts";
import { canaryPod, verdictOf } from "./canary.ts";

const NOW = Date.parse("2026-01-01T00:10:00Z");
const ago = (ms: number): string => new Date(NOW - ms).toISOString();

const podOf = (component: string, status: object, metadata: object = {}): KubeObject =>
  ({
    apiVersion: "v1",
    kind: "Pod",
    metadata: {
      name: `chat-${component}-1`,
      namespace: "n",
      creationTimestamp: ago(600_000),
      labels: { "app.kubernetes.io/component": component, "chat.jichat.io/revision": "r1" },
      ...metadata,
    },
    spec: { containers: [{ name: "connector", image: "registry/connector:2" }] },
    status,
  }) as KubeObject;

const is = (type: string, status: string, more: object = {}): object => ({ type, status, ...more });
const SERVING = podOf("connector", { conditions: [is("Ready", "True")] });
const waiting = (reason: string, scheduledMs: number): object => ({
  conditions: [is("Ready", "False"), is("PodScheduled", "True", { lastTransitionTime: ago(scheduledMs) })],
  containerStatuses: [{ restartCount: 0, state: { waiting: { reason, message: "no such Secret" } } }],
});
const running = (ms: number, restartCount = 0): object => ({
  conditions: [is("Ready", "False")],
  containerStatuses: [
    {
      restartCount,
      state: { running: { startedAt: ago(ms) } },
      lastState: { terminated: { exitCode: 137, reason: "OOMKilled" } },
    },
  ],
});

const CASES: readonly (readonly [string, object, "proving" | "failed", RegExp, (readonly KubeObject[])?])[] =
  [
    [
      "no node",
      { conditions: [is("PodScheduled", "False", { message: "0/3 nodes" })] },
      "proving",
      /no node.*0\/3/,
    ],
    ["an image that comes late", waiting("ErrImagePull", 59_999), "proving", /cannot be pulled/],
    [
      "an image that does not come",
      waiting("ErrImagePull", 60_000),
      "failed",
      /image registry\/connector:2 cannot be pulled: ImagePullBackOff/,
    ],
    ["a Secret that is not there", waiting("CreateContainerConfigError", 60_000), "failed", /no such Secret/],
    ["a container that is being made", waiting("ContainerCreating", 300_000), "proving", /starts/],
    ["it starts", running(99_999), "proving", /starts/],
    ["it was started again once", running(1_000, 1), "proving", /starts/],
    [
      "it crashes",
      running(1_000, 2),
      "failed",
      /ended 2 times, the last time with exit code 137 \(OOMKilled\)/,
    ],
    ["it never gets ready", running(100_000), "failed", /is not ready after 100 s, while others are/],
    ["nobody gets ready", running(100_000), "proving", /no connector that serves is ready either/, []],
  ];

for (const [name, status, state, says, others = [SERVING]] of CASES)
  test(`a canary's pod: ${name}`, () => {
    const observed = new Observed([podOf("canary", status), ...others]);
    const verdict = verdictOf(observed, canaryPod(observed, "r1"), UNPROVEN, NOW);
    assert.equal(verdict.state, state, verdict.message);
    assert.match(verdict.message, says);
  });

test("a canary that is not there proves nothing, and the reason is told", () => {
  const deployment = {
    kind: "Deployment",
    metadata: { name: "chat-canary", namespace: "n" },
    status: {
      conditions: [is("ReplicaFailure", "True", { message: 'pods "x" is forbidden: exceeded quota' })],
    },
  } as unknown as KubeObject;
  const verdict = (objects: readonly KubeObject[]) =>
    verdictOf(new Observed(objects), undefined, UNPROVEN, NOW);
  assert.deepEqual(verdict([]), { state: "proving", message: "its pod is not there yet" });
  assert.deepEqual(verdict([deployment]), {
    state: "proving",
    message: "no pod can be made: forbidden: exceeded quota",
  });
});

test("only the newest pod of the revision that lives is the canary", () => {
  const [old, own, ending, ended, newer] = [
    podOf("canary", {}, { name: "old", labels: { "app.kubernetes.io/component": "canary" } }),
    podOf("canary", {}, { name: "own" }),
    podOf("canary", {}, { name: "ending", deletionTimestamp: ago(0) }),
    podOf("canary", { phase: "Failed" }, { name: "ended" }),
    podOf("canary", {}, { name: "newer", creationTimestamp: ago(1_000) }),
  ];
  const named = (...pods: readonly KubeObject[]) => canaryPod(new Observed(pods), "r1")?.metadata.name;
  assert.equal(named(old, ending, ended, SERVING), undefined);
  assert.equal(named(own, newer, ending, ended), "newer");
});

test("a talk that failed with a process that has ended tells how it ended", () => {
  const proof = { ...UNPROVEN, state: "failed", message: "connect fails" } as const;
  const told = (container: object) => {
    const observed = new Observed([podOf("canary", { containerStatuses: [container] })]);
    return verdictOf(observed, canaryPod(observed, "r1"), proof, NOW).message;
  };
  const terminated = { exitCode: 1, reason: "Error" };
  const logs = "kubectl logs --previous shows why";
  assert.equal(told({ restartCount: 0, state: { running: {} } }), "connect fails");
  assert.equal(
    told({ restartCount: 0, state: { terminated } }),
    `connect fails; its container has ended once, with exit code 1 (Error): ${logs}`,
  );
  assert.equal(
    told({ restartCount: 1, state: { terminated }, lastState: { terminated: { exitCode: 137 } } }),
    `connect fails; its container has ended 2 times, the last time with exit code 1 (Error): ${logs}`,
  );
});

test("what it has shown stays, but a crash later ends it", () => {
  const proof = { ...UNPROVEN, state: "proven", message: "both ways" } as const;
  const shown = (status: object) => {
    const observed = new Observed([podOf("canary", status)]);
    return verdictOf(observed, canaryPod(observed, "r1"), proof, NOW).state;
  };
  assert.equal(shown({ conditions: [is("Ready", "True")] }), "proven");
  assert.equal(shown({ conditions: [is("Ready", "False")] }), "proven");
  assert.equal(shown(running(1_000, 2)), "failed");
});
