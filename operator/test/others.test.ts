import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import type { ChatCluster } from "../src/crd/definition.ts";
import type { KubeObject } from "../src/kube/object.ts";
import { RESOURCES } from "../src/kube/object.ts";
import { until } from "@jichat/testkit/until.ts";
import { NAMESPACE, World, chat } from "./world.ts";

/** Kinds of others: the Gateway API's and the Prometheus operator's, which may not be there. */
let world: World;

before(async () => {
  world = await World.start();
});

after(async () => {
  await world.stop();
});

const spec = {
  hibernate: true, // No backend is waited for.
  connectors: { gateway: { name: "public", namespace: "edge", host: "chat.example.com" } },
  observability: { podMonitor: true },
};

test("kinds that the cluster lacks are reported, and all else is created", { timeout: 60_000 }, async () => {
  const operator = world.startOperator();
  await world.api.apply(RESOURCES.chatClusters, chat("others", spec));
  const message = await until("Degraded says why", 20_000, async () => {
    const found = await world.find<ChatCluster & KubeObject>(RESOURCES.chatClusters, "others");
    const degraded = found?.status?.conditions?.find(({ type }) => type === "Degraded");
    return degraded?.reason === "NotServed" ? degraded.message : undefined;
  });
  assert.match(message, /Gateway API: install its CRDs, or use connectors.ingress/);
  assert.ok((await world.find(RESOURCES.services, "others-connector")) !== undefined);
  await operator.stop();
});

test("a route and a monitor are created if their kinds exist, and deleted when they are no longer wanted", async () => {
  await world.teach("gateway.networking.k8s.io", "v1", "HTTPRoute", "httproutes");
  await world.teach("monitoring.coreos.com", "v1", "PodMonitor", "podmonitors");
  const operator = world.startOperator();
  type Route = KubeObject & {
    readonly spec: {
      readonly hostnames: readonly string[];
      readonly rules: readonly { readonly backendRefs: readonly { readonly name: string }[] }[];
    };
  };
  const route = await until("the route is there", 20_000, async () =>
    world.find<Route>(RESOURCES.httpRoutes, "others-gateway"),
  );
  assert.deepEqual(route.spec.hostnames, ["chat.example.com"]);
  assert.deepEqual(
    route.spec.rules.map(({ backendRefs }) => backendRefs[0]?.name),
    ["others-connector", "others-api"],
  );
  await until("the monitor is there", 20_000, async () =>
    world.find(RESOURCES.podMonitors, "others-metrics"),
  );
  await world.api.mergePatch(RESOURCES.chatClusters, NAMESPACE, "others", {
    spec: { connectors: { gateway: null }, observability: { podMonitor: false } },
  });
  await until("both are gone", 20_000, async () => {
    const left = [
      await world.find(RESOURCES.httpRoutes, "others-gateway"),
      await world.find(RESOURCES.podMonitors, "others-metrics"),
    ].filter((one) => one !== undefined);
    return left.length === 0 ? true : undefined;
  });
  await operator.stop();
});
