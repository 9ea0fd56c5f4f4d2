import type { V1NetworkPolicyPeer } from "@kubernetes/client-node";
import type { ChatCluster } from "../crd/definition.ts";
import type { KubeObject } from "../kube/object.ts";
import type { Backend, Role } from "./names.ts";
import {
  BACKENDS,
  LABELS,
  MANAGED_BY,
  PORTS,
  componentsIn,
  metaOf,
  objectName,
  selectorOf,
} from "./names.ts";
import type { DesiredInput } from "./desired-input.ts";

/**
 * One allowed flow of traffic. `anyone` is every address, `public` every address of the internet, `allowed`
 * those that `push.allowedAddresses` has, and `monitoring` is every pod of the Kubernetes cluster.
 */
export interface Flow {
  readonly from: Role | "operator" | "anyone" | "monitoring";
  readonly to: Role | "anyone" | "dns" | "public" | "allowed";
  /** Absent: every port. */
  readonly port?: number;
  readonly protocol?: "UDP";
}

const portOf = (url: string, fallback: number): number => {
  const { port, protocol } = new URL(url);
  if (port !== "") return Number(port);
  return protocol === "https:" ? 443 : protocol === "http:" ? 80 : fallback;
};

/** The ports of one URL, or of several nats-servers in one list, where only the first may have a scheme. */
const listenOn = (urls: string, fallback: number): ReadonlySet<number> =>
  new Set(urls.split(",").map((url) => portOf(url.includes("://") ? url : `nats://${url}`, fallback)));

/**
 * Where push workers send to. A policy sees the port of a pod and not that of the Service before it, so
 * addresses that the spec allows are allowed by every port. The workers have the same rule.
 */
const pushFlows = ({ push }: ChatCluster["spec"]): readonly Flow[] =>
  push === undefined
    ? []
    : [
        { from: "push", to: "public", port: 443 },
        ...(push.allowedAddresses.length === 0 ? [] : [{ from: "push", to: "allowed" } as const]),
      ];

/** Every flow that a ChatCluster needs. All other traffic is denied. */
export const flowsOf = (cluster: ChatCluster): readonly Flow[] => {
  const flows = lastingFlows(cluster);
  return [...flows, ...canaryFlows(flows)];
};

/** A canary's are a connector's, but only the operator talks to it: no person's device gets there. */
const canaryFlows = (flows: readonly Flow[]): readonly Flow[] => [
  { from: "operator", to: "canary", port: PORTS.ws },
  ...flows.flatMap((flow): Flow[] => {
    if (flow.from === "connector") return [{ ...flow, from: "canary" }];
    return flow.to === "connector" && flow.from !== "anyone" ? [{ ...flow, to: "canary" }] : [];
  }),
];

function lastingFlows(cluster: ChatCluster): readonly Flow[] {
  const { spec } = cluster;
  const components = componentsIn(cluster);
  const backend = (name: Backend, from: readonly Flow["from"][]): Flow[] => {
    const { external, managed } = spec[name];
    if (managed !== undefined) return from.map((role) => ({ from: role, to: name, port: PORTS[name] }));
    if (external === undefined) return [];
    // The operator's own namespace has its own policies.
    const ports = [...listenOn(external.url, PORTS[name])];
    return from
      .filter((role) => role !== "operator")
      .flatMap((role) => ports.map((port): Flow => ({ from: role, to: "anyone", port })));
  };
  const roles: readonly Role[] = [...components, ...BACKENDS, "migrate"];
  const { otlp } = spec.observability;
  return [
    { from: "anyone", to: "connector", port: PORTS.ws },
    { from: "anyone", to: "api", port: PORTS.api },
    ...components.map((to): Flow => ({
      from: "monitoring",
      to,
      port: PORTS.admin,
    })),
    ...backend("nats", [...components, "operator"]),
    ...backend("redis", [...components.filter((component) => component !== "storage"), "operator"]),
    ...backend("clickhouse", ["storage", "migrate", "operator"]),
    ...(spec.nats.managed === undefined
      ? []
      : [{ from: "nats", to: "nats", port: PORTS.natsRoutes } as const]),
    ...(otlp === undefined
      ? []
      : components.map((from): Flow => ({
          from,
          to: "anyone",
          port: portOf(otlp.endpoint, 4318),
        }))),
    ...(spec.auth.jwksUrl === undefined
      ? []
      : (["connector", "api"] as const).map((from): Flow => ({
          from,
          to: "anyone",
          port: portOf(spec.auth.jwksUrl ?? "", 443),
        }))),
    ...pushFlows(spec),
    ...roles.flatMap((from): Flow[] =>
      spec.network.dnsPorts.flatMap((port): Flow[] => [
        { from, to: "dns", port, protocol: "UDP" },
        { from, to: "dns", port },
      ]),
    ),
  ];
}

interface Rule {
  readonly ports: readonly { readonly port?: number; readonly protocol: "TCP" | "UDP" }[];
  readonly from?: readonly V1NetworkPolicyPeer[];
  readonly to?: readonly V1NetworkPolicyPeer[];
}

/** The wire format: the library's type calls `from` `_from`. */
export interface Policy extends KubeObject {
  readonly spec: {
    readonly podSelector: { readonly matchLabels: Readonly<Record<string, string>> };
    readonly policyTypes: readonly ("Ingress" | "Egress")[];
    readonly ingress?: readonly Rule[];
    readonly egress?: readonly Rule[];
  };
}

/**
 * The internet: all addresses but those for special purposes (RFC 6890), which Kubernetes clusters give to
 * pods, Services and nodes. Where a provider's address is looked up, workers refuse the same ones.
 */
const PUBLIC = [
  {
    cidr: "0.0.0.0/0",
    except: [
      "0.0.0.0/8",
      "10.0.0.0/8",
      "100.64.0.0/10",
      "127.0.0.0/8",
      "169.254.0.0/16",
      "172.16.0.0/12",
      "192.168.0.0/16",
      "198.18.0.0/15",
    ],
  },
  { cidr: "::/0", except: ["::1/128", "fc00::/7", "fe80::/10"] },
] as const;

function peerOf(input: DesiredInput, side: Flow["from"] | Flow["to"]): V1NetworkPolicyPeer[] {
  switch (side) {
    case "anyone":
    case "dns": // A node-local resolver has an address of no pod.
      return [];
    case "public":
      return PUBLIC.map((ipBlock) => ({ ipBlock: { cidr: ipBlock.cidr, except: [...ipBlock.except] } }));
    case "allowed":
      return (input.cluster.spec.push?.allowedAddresses ?? []).map((cidr) => ({ ipBlock: { cidr } }));
    case "monitoring":
      return [{ namespaceSelector: {} }];
    case "operator":
      return [
        {
          namespaceSelector: { matchLabels: { "kubernetes.io/metadata.name": input.operator.namespace } },
          podSelector: { matchLabels: { ...input.operator.labels } },
        },
      ];
    default:
      return [{ podSelector: { matchLabels: selectorOf(input.cluster, side) } }];
  }
}

function portsOf({ port, protocol: said }: Flow): Rule["ports"] {
  const protocol = said ?? "TCP";
  return [port === undefined ? { protocol } : { port, protocol }];
}

/** Denies all traffic of a ChatCluster's pods, then allows the flows of each role. */
export function networkPolicies(input: DesiredInput, roles: readonly Role[]): readonly Policy[] {
  const { cluster } = input;
  const flows = flowsOf(cluster);
  const policy = (name: string, spec: Policy["spec"], role: string): Policy => ({
    apiVersion: "networking.k8s.io/v1",
    kind: "NetworkPolicy",
    metadata: metaOf(cluster, role, objectName(cluster, name)),
    spec,
  });
  const all = {
    [LABELS.instance]: cluster.metadata.name,
    [LABELS.managedBy]: MANAGED_BY,
  };
  return [
    policy("deny", { podSelector: { matchLabels: all }, policyTypes: ["Ingress", "Egress"] }, "network"),
    ...roles.map((role) =>
      policy(
        role,
        {
          podSelector: { matchLabels: selectorOf(cluster, role) },
          policyTypes: ["Ingress", "Egress"],
          ingress: flows
            .filter(({ to }) => to === role)
            .map((flow) => {
              const from = peerOf(input, flow.from);
              return { ports: portsOf(flow), ...(from.length === 0 ? {} : { from }) };
            }),
          egress: flows
            .filter(({ from }) => from === role)
            .map((flow) => {
              const to = peerOf(input, flow.to);
              return { ports: portsOf(flow), ...(to.length === 0 ? {} : { to }) };
            }),
        },
        role,
      ),
    ),
  ];
}
