import type { Static } from "typebox";
import type { service as serviceSchema } from "../crd/service.ts";
import type { KubeObject } from "../kube/object.ts";
import type { Role } from "./names.ts";
import { PORTS, metaOf, objectName, selectorOf } from "./names.ts";
import type { Wish } from "./wish.ts";

type Service = KubeObject & { readonly spec: object };
type ServiceWish = Static<ReturnType<typeof serviceSchema>>;

function service(
  wish: Wish,
  role: Role,
  ports: readonly object[],
  more: object = {},
  name = role as string,
): Service {
  const { ipFamilyPolicy, ipFamilies } = wish.cluster.spec.network;
  return {
    apiVersion: "v1",
    kind: "Service",
    metadata: metaOf(wish.cluster, role, objectName(wish.cluster, name)),
    spec: {
      type: "ClusterIP",
      selector: selectorOf(wish.cluster, role),
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

/** A Service that people outside may come through, as the spec has it. */
function door(wish: Wish, role: "connector" | "api", wanted: ServiceWish, at: object): Service {
  const { type, nodePort, annotations, port: _, ...more } = wanted;
  const made = service(wish, role, [{ ...at, ...(nodePort === undefined ? {} : { nodePort }) }], {
    type,
    ...more,
  });
  return annotations === undefined ? made : { ...made, metadata: { ...made.metadata, annotations } };
}

function doors(wish: Wish): readonly Service[] {
  const { connectors, api } = wish.cluster.spec;
  return [
    door(wish, "connector", connectors.service, {
      ...port("ws", connectors.service.port, "ws"),
      // Whoever stands in front knows by the standard name that TLS is spoken behind it.
      ...(connectors.tls === undefined ? {} : { appProtocol: "kubernetes.io/wss" }),
    }),
    door(wish, "api", api.service, port("http", api.service.port, "http")),
  ];
}

export function services(wish: Wish): readonly Service[] {
  const { nats, redis, clickhouse } = wish.cluster.spec;
  return [
    ...doors(wish),
    ...(nats.managed === undefined
      ? []
      : [
          service(wish, "nats", [port("client", PORTS.nats, "client")]),
          service(
            wish,
            "nats",
            [port("routes", PORTS.natsRoutes, "routes")],
            // Servers find each other before they are ready: readiness waits for the others.
            { clusterIP: "None", publishNotReadyAddresses: true },
            "nats-routes",
          ),
        ]),
    ...(redis.managed === undefined ? [] : [service(wish, "redis", [port("redis", PORTS.redis, "redis")])]),
    ...(clickhouse.managed === undefined
      ? []
      : [service(wish, "clickhouse", [port("http", PORTS.clickhouse, "http")])]),
  ];
}
