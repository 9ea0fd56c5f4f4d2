import { until } from "@jichat/testkit/until.ts";
import type { KubeObject } from "../src/kube/object.ts";
import { RESOURCES } from "../src/kube/object.ts";
import { FakeConnectors } from "./fake-connectors.ts";
import type { World } from "./world.ts";
import { NAMESPACE, chat } from "./world.ts";

/** A ChatCluster whose routers run, so that its components are applied whatever its backends say. */
export async function begin(world: World, name: string, connectors: object): Promise<FakeConnectors> {
  const labels = {
    "app.kubernetes.io/instance": name,
    "app.kubernetes.io/component": "router",
    "app.kubernetes.io/managed-by": "jichat-operator",
  };
  const containers = [{ name: "router", image: "router:1" }];
  const selector = { "app.kubernetes.io/instance": name, "app.kubernetes.io/component": "router" };
  await world.api.create(RESOURCES.deployments, {
    apiVersion: "apps/v1",
    kind: "Deployment",
    metadata: { name: `${name}-router`, namespace: NAMESPACE, labels },
    spec: {
      replicas: 0,
      selector: { matchLabels: selector },
      template: { metadata: { labels }, spec: { containers } },
    },
  } as unknown as KubeObject);
  await world.api.apply(
    RESOURCES.chatClusters,
    chat(name, {
      connectors,
      storage: { replicas: 1 },
      clickhouse: { embedded: { storage: { size: "1Gi" } } },
      rollout: { soakSeconds: 0 },
    }),
  );
  return new FakeConnectors(world, name);
}

/** Lets time pass until something holds. */
export const passing = async (
  what: string,
  ms: number,
  fakes: FakeConnectors,
  holds: () => Promise<boolean>,
): Promise<void> => {
  await until(what, ms, async () => {
    await fakes.step();
    await fakes.world.settle(fakes.cluster);
    return (await holds()) ? true : undefined;
  });
};
