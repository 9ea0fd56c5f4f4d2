import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import type { ChatCluster } from "../src/crd/definition.ts";
import { CONDITIONS } from "../src/crd/status.ts";
import { KubeError } from "../src/kube/errors.ts";
import type { KubeObject } from "../src/kube/object.ts";
import { RESOURCES } from "../src/kube/object.ts";
import { REFUSED_CHANGES } from "./refused-changes.ts";
import { INVALID_AUTOSCALING, VALID_AUTOSCALING } from "./invalid-autoscaling.ts";
import { INVALID } from "./invalid-specs.ts";
import { until } from "@jichat/testkit/until.ts";
import { NAMESPACE, World, chat } from "./world.ts";

let world: World;

before(async () => {
  world = await World.start();
});

after(async () => {
  await world.stop();
});

test("a wrong spec is refused at apply with the field and the cure", { timeout: 120_000 }, async () => {
  for (const { name, spec, says } of [...INVALID, ...INVALID_AUTOSCALING]) {
    await assert.rejects(
      world.api.apply(RESOURCES.chatClusters, chat("invalid", spec), { dryRun: true }),
      (error: unknown) => {
        assert.ok(error instanceof KubeError, `${name}: ${String(error)}`);
        assert.equal(error.status, 422, `${name}: ${error.message}`);
        assert.match(error.message, says, name);
        return true;
      },
      `${name} was taken`,
    );
  }
});

test("what scales by load is taken at the limits of its rules", async () => {
  for (const spec of VALID_AUTOSCALING)
    await world.api.apply(RESOURCES.chatClusters, chat("scales", spec), { dryRun: true });
});

test(
  "a forbidden change is refused with the reason, and defaults are filled in",
  { timeout: 60_000 },
  async () => {
    const made = await world.api.apply<ChatCluster & KubeObject>(
      RESOURCES.chatClusters,
      chat("fixed", { partitions: 4 }),
    );
    assert.equal(made.spec.durability.replicas, 3);
    assert.equal(made.spec.clickhouse.managed?.storage.size, "10Gi");
    for (const { name, change, says } of REFUSED_CHANGES)
      await assert.rejects(
        // Replaced as a whole, as `kubectl replace` does: of an apply the other backend would stay.
        world.api.replace(RESOURCES.chatClusters, {
          ...made,
          spec: { ...made.spec, ...change },
        } as KubeObject),
        { status: 422, message: says },
        name,
      );
    for (const storage of [{ size: "10240Mi" }, { size: "20Gi" }, { size: 42_949_672_960 }])
      await world.api.mergePatch(RESOURCES.chatClusters, NAMESPACE, "fixed", {
        spec: { nats: { managed: { storage } }, clickhouse: { managed: { storage } } },
      });
    await world.api.remove(RESOURCES.chatClusters, NAMESPACE, "fixed");
  },
);

test(
  "the first pass of an empty manifest makes every object and all conditions",
  { timeout: 60_000 },
  async () => {
    const { stop } = world.startOperator();
    await world.api.apply(RESOURCES.chatClusters, chat("first"));
    const cluster = await until("a pass was made, once it was claimed", 20_000, async () => {
      const found = await world.find<ChatCluster & KubeObject>(RESOURCES.chatClusters, "first");
      return (found?.status?.observedGeneration ?? 0) === 0 ? undefined : found;
    });
    assert.equal(cluster.status?.keeper, `${NAMESPACE}/jichat-operator`);
    assert.deepEqual(
      cluster.status?.conditions.map(({ type }) => type).sort(),
      Object.keys(CONDITIONS).sort(),
    );
    assert.equal(cluster.status?.observedGeneration, cluster.metadata.generation);
    for (const [resource, name] of [
      [RESOURCES.secrets, "first-keys"],
      [RESOURCES.statefulSets, "first-nats"],
      [RESOURCES.statefulSets, "first-clickhouse"],
      [RESOURCES.deployments, "first-redis"],
      [RESOURCES.services, "first-connector"],
      [RESOURCES.networkPolicies, "first-deny"],
      [RESOURCES.disruptionBudgets, "first-connector"],
    ] as const)
      await until(`${resource.kind} ${name}`, 10_000, async () => world.find(resource, name));
    assert.equal(
      await world.find(RESOURCES.deployments, "first-router"),
      undefined,
      "nothing starts before its backends",
    );
    const unreachable = await until("it says that backends cannot be reached", 20_000, async () => {
      const found = await world.find<ChatCluster & KubeObject>(RESOURCES.chatClusters, "first");
      return found?.status?.conditions.find(
        ({ type, status }) => type === "BackendsReachable" && status === "False",
      );
    });
    assert.match(unreachable.message, /NATS: .*first-nats.*does not answer/);
    // The status is written first.
    await until("an Event says so", 10_000, async () => {
      const { items } = await world.api.list<KubeObject & { reason?: string; regarding?: { name?: string } }>(
        RESOURCES.events,
        NAMESPACE,
      );
      return items.find(({ regarding, reason }) => regarding?.name === "first" && reason === "Unreachable");
    });
    await stop();
  },
);
