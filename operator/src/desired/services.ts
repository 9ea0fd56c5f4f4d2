import type { Static } from "typebox";
import type { service as serviceSchema } from "../crd/service.ts";
import type { KubeObject } from "../kube/object.ts";
import type { Role } from "./names.ts";
import { LABELS, PORTS, metaOf, objectName, selectorOf } from "./names.ts";
import type { DesiredInput } from "./desired-input.ts";

type Service = KubeObject & { readonly spec: object };
type ServiceInput = Static<ReturnType<typeof serviceSchema>>;

interface ServiceForm {
  /** Labels beside those of the role that a pod must have. */
  readonly alsoSelects?: Readonly<Record<string, string>>;
  readonly ports: readonly object[];
  readonly more?: object | undefined;
  readonly name?: string | undefined;
}

function service(
  input: DesiredInput,
  role: Role,
  { ports, more = {}, name = role, alsoSelects = {} }: ServiceForm,
): Service {
  const { ipFamilyPolicy, ipFamilies } = input.cluster.spec.network;
  return {
    apiVersion: "v1",
    kind: "Service",
    metadata: metaOf(input.cluster, role, objectName(input.cluster, name)),
    spec: {
      type: "ClusterIP",
      selector: { ...selectorOf(input.cluster, role), ...alsoSelects },
      ports,
      ...(ipFamilyPolicy === undefined ? {} : { ipFamilyPolicy }),
      ...(ipFamilies === undefined ? {} : { ipFamilies }),
      ...more,
    },
  };
}

const port = (name: string, at: number, targetPort: string): object => ({
  name,
  port: at,
  targetPort,
  protocol: "TCP",
});

/** A Service that may be open to the outside, as the spec says. */
function door(input: DesiredInput, role: "connector" | "api", wanted: ServiceInput, at: object): Service {
  const { type, nodePort, annotations, port: _, ...more } = wanted;
  const made = service(input, role, {
    ...(role === "connector" ? { alsoSelects: { [LABELS.routed]: "true" } } : {}),
    ports: [{ ...at, ...(nodePort === undefined ? {} : { nodePort }) }],
    more: {
      type,
      ...more,
    },
  });
  return annotations === undefined ? made : { ...made, metadata: { ...made.metadata, annotations } };
}

function doors(input: DesiredInput): readonly Service[] {
  const { connectors, api } = input.cluster.spec;
  return [
    door(input, "connector", connectors.service, {
      ...port("ws", connectors.service.port, "ws"),
      // The standard name tells a proxy in front that the backend speaks TLS.
      ...(connectors.tls === undefined ? {} : { appProtocol: "kubernetes.io/wss" }),
    }),
    door(input, "api", api.service, port("http", api.service.port, "http")),
  ];
}

export function services(input: DesiredInput): readonly Service[] {
  const { nats, redis, clickhouse } = input.cluster.spec;
  return [
    ...doors(input),
    ...(nats.managed === undefined
      ? []
      : [
          service(input, "nats", { ports: [port("client", PORTS.nats, "client")] }),
          service(input, "nats", {
            ports: [port("routes", PORTS.natsRoutes, "routes")],
            more: { clusterIP: "None", publishNotReadyAddresses: true },
            name: "nats-routes",
          }),
        ]),
    ...(redis.managed === undefined
      ? []
      : [service(input, "redis", { ports: [port("redis", PORTS.redis, "redis")] })]),
    ...(clickhouse.managed === undefined
      ? []
      : [service(input, "clickhouse", { ports: [port("http", PORTS.clickhouse, "http")] })]),
  ];
}
