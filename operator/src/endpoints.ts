import type { V1ServiceSpec, V1ServiceStatus } from "@kubernetes/client-node";
import type { ChatClusterStatus } from "./crd/status.ts";
import type { Component } from "./desired/names.ts";
import { objectName } from "./desired/names.ts";
import { originOf, publicApiUrls, publicUrls, webSocketUrl } from "./desired/urls.ts";
import type { DesiredInput } from "./desired/desired-input.ts";
import type { KubeObject } from "./kube/object.ts";
import type { Observed } from "./observed.ts";
import type { PodObject } from "./pod-object.ts";

type ServiceObject = KubeObject & { readonly spec?: V1ServiceSpec; readonly status?: V1ServiceStatus };

interface Address {
  readonly host: string;
  readonly port: number;
}

/** The number of nodes in the status. Any node works, and a status should stay short. */
const NODES_MAX = 3;

/**
 * The nodes of a component's pods. These nodes answer at a NodePort, whatever `externalTrafficPolicy` says.
 */
function nodesOf(observed: Observed, component: Component): readonly string[] {
  const hosts = observed
    .ofKind<PodObject>("Pod", component)
    .flatMap(({ status }) => (status?.phase === "Running" ? (status.hostIP ?? []) : []));
  return [...new Set(hosts)].sort().slice(0, NODES_MAX);
}

/** A Service's outside addresses: those of its load balancer, or nodes with the NodePort. */
function outsideOf(input: DesiredInput, observed: Observed, component: Component): readonly Address[] {
  const { namespace } = input.cluster.metadata;
  const metadata = { name: objectName(input.cluster, component), namespace };
  const found = observed.find<ServiceObject>({ apiVersion: "v1", kind: "Service", metadata });
  const [first] = found?.spec?.ports ?? [];
  if (first === undefined) return [];
  switch (found?.spec?.type) {
    case "LoadBalancer":
      return (found.status?.loadBalancer?.ingress ?? []).flatMap(({ hostname, ip }) => {
        const host = hostname ?? ip;
        return host === undefined ? [] : [{ host, port: first.port }];
      });
    case "NodePort": {
      const { nodePort } = first;
      return nodePort === undefined
        ? []
        : nodesOf(observed, component).map((host) => ({ host, port: nodePort }));
    }
    default:
      return [];
  }
}

/** Where devices and pages connect: by name, by the Service's addresses, and from inside the cluster. */
export function endpointsOf(
  input: DesiredInput,
  observed: Observed,
): NonNullable<ChatClusterStatus["endpoints"]> {
  const { cluster } = input;
  const { connectors, api } = cluster.spec;
  const scheme = connectors.tls === undefined ? "ws" : "wss";
  const inside = (component: Component, port: number): Address => ({
    host: `${objectName(cluster, component)}.${cluster.metadata.namespace}.svc`,
    port,
  });
  const all = (component: Component, port: number): readonly Address[] => [
    ...outsideOf(input, observed, component),
    inside(component, port),
  ];
  return {
    ws: [
      ...publicUrls(input),
      ...all("connector", connectors.service.port).map(({ host, port }) => webSocketUrl(scheme, host, port)),
    ],
    api: [
      ...publicApiUrls(input),
      ...all("api", api.service.port).map(({ host, port }) => originOf("http", host, port)),
    ],
  };
}
