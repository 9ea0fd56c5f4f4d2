import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import type { ChatCluster } from "../src/crd/definition.ts";
import { KubeError } from "../src/kube/errors.ts";
import type { KubeObject } from "../src/kube/object.ts";
import { RESOURCES, resourceOf } from "../src/kube/object.ts";
import { INVALID_FIELDS } from "./invalid-fields.ts";
import { until } from "@jichat/testkit/until.ts";
import { everything, inputOf } from "./input.ts";
import { NAMESPACE, World, chat } from "./world.ts";

let world: World;

before(async () => {
  world = await World.start();
});

after(async () => {
  await world.stop();
});

const template = {
  labels: { team: "chat" },
  nodeSelector: { disk: "fast" },
  tolerations: [{ key: "edge", operator: "Exists", value: "" }],
  affinity: { podAntiAffinity: {} },
  topologySpreadConstraints: [{ topologyKey: "zone", maxSkew: 1, whenUnsatisfiable: "DoNotSchedule" }],
  env: [
    { name: "EMPTY", value: "" },
    { name: "NODE", valueFrom: { fieldRef: { fieldPath: "spec.nodeName" } } },
  ],
  volumes: [
    { name: "ca", configMap: { name: "ca", optional: true } },
    { name: "scratch", emptyDir: { sizeLimit: "1024Mi" } },
  ],
  volumeMounts: [
    { name: "ca", mountPath: "/etc/ssl/more", readOnly: true },
    { name: "scratch", mountPath: "/scratch", readOnly: false },
  ],
  securityContext: { runAsUser: 1_000, runAsGroup: 1_000, fsGroup: 1_000, supplementalGroups: [7] },
  serviceAccount: { annotations: { role: "chat" } },
};
const service = {
  type: "LoadBalancer",
  port: 443,
  annotations: { a: "b" },
  externalTrafficPolicy: "Local",
  loadBalancerClass: "cloud.example/inner",
  loadBalancerSourceRanges: ["10.0.0.0/8", "192.168.0.0/16"],
  trafficDistribution: "PreferClose",
};
const FULL = {
  connectors: {
    template,
    service,
    limits: { socketsPerAddressMax: 500, messagesPerSecond: 20 },
    trustProxy: "10.0.0.0/8, fd00::/8",
  },
  routers: { template },
  storage: { template },
  api: { template, service: { ...service, port: 80 }, limits: { requestsPerSecond: 50 }, trustProxy: 2 },
  migration: { template, resources: { requests: { cpu: "1" } } },
  nats: { managed: { template } },
  redis: { managed: { template } },
  clickhouse: { managed: { template } },
  disruption: { maxUnavailable: "25%" },
  network: { ipFamilyPolicy: "PreferDualStack", dnsPorts: [53] },
};

test("a wrong field is refused at apply with its name and the cure", { timeout: 120_000 }, async () => {
  for (const { name, spec, says } of INVALID_FIELDS)
    await assert.rejects(
      world.api.apply(RESOURCES.chatClusters, chat("invalid", spec), { dryRun: true }),
      (error: unknown) => {
        assert.ok(error instanceof KubeError, `${name}: ${String(error)}`);
        assert.match(error.message, says, name);
        return true;
      },
      `${name} was taken`,
    );
});

test("the API server accepts a ChatCluster with every field, and all of its objects", async () => {
  const made = await world.api.apply<ChatCluster & KubeObject>(
    RESOURCES.chatClusters,
    chat("full", { ...FULL, hibernate: true }),
  );
  for (const object of everything({ ...inputOf(), cluster: made }))
    await world.api.apply(resourceOf(object), object, { dryRun: true });
  await world.api.remove(RESOURCES.chatClusters, NAMESPACE, "full");
});

type Service = KubeObject & {
  readonly spec: { readonly type: string; readonly ports: readonly { readonly nodePort?: number }[] };
};

/** What a cloud would write. */
async function balance(name: string, ingress: readonly object[]): Promise<void> {
  const object = { apiVersion: "v1", kind: "Service", metadata: { name, namespace: NAMESPACE } };
  const wanted = { ...object, status: { loadBalancer: { ingress } } } as KubeObject;
  await world.api.apply(RESOURCES.services, wanted, { subresource: "status" });
}

test("the Services of connectors and api change their type, and the status names their addresses", async () => {
  const operator = world.startOperator();
  const apply = async (type: object) =>
    world.api.apply(RESOURCES.chatClusters, chat("doors", { hibernate: true, ...type }));
  const endpoint = async (wanted: RegExp): Promise<void> => {
    await until(`an endpoint is ${String(wanted)}`, 20_000, async () => {
      const found = await world.find<ChatCluster & KubeObject>(RESOURCES.chatClusters, "doors");
      const { ws = [], api = [] } = found?.status?.endpoints ?? {};
      return [...ws, ...api].some((url) => wanted.test(url)) ? true : undefined;
    });
  };
  const type = async (wanted: string, name = "doors-connector"): Promise<Service> =>
    until(`the Service ${name} is a ${wanted}`, 20_000, async () => {
      const found = await world.find<Service>(RESOURCES.services, name);
      return found?.spec.type === wanted ? found : undefined;
    });
  await apply({ connectors: { service }, api: { service: { type: "LoadBalancer" } } });
  await type("LoadBalancer");
  await type("LoadBalancer", "doors-api");
  await balance("doors-connector", [{ hostname: "ws.cloud.example" }]);
  await balance("doors-api", [{ ip: "2001:db8::7" }, { ip: "192.0.2.7" }]);
  await endpoint(/^ws:\/\/ws\.cloud\.example:443\/v1\/ws$/);
  await endpoint(/^http:\/\/\[2001:db8::7\]$/);
  await endpoint(/^http:\/\/192\.0\.2\.7$/);
  await assert.rejects(
    apply({ connectors: { service: { ...service, loadBalancerClass: "another/one" } } }),
    /loadBalancerClass cannot change while there is a balancer: set connectors\.service\.type to ClusterIP first/,
  );
  await apply({ connectors: { service: { type: "NodePort", externalTrafficPolicy: "Local" } } });
  const { nodePort = 0 } = (await type("NodePort")).spec.ports[0] ?? {};
  assert.ok(nodePort > 0);
  await world.pod("doors", "connector", "2001:db8::1");
  await endpoint(new RegExp(`^ws://\\[2001:db8::1\\]:${nodePort}/v1/ws$`));
  await apply({});
  await type("ClusterIP");
  await operator.stop();
});
