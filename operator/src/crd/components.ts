import { Type } from "typebox";
import { connectorAutoscaling, headroomRule } from "./autoscaling.ts";
import { HOST, NAME, map, resources, rules, secretName } from "./kinds.ts";
import { apiLimits, connectorLimits, trustProxy } from "./limits.ts";
import { service } from "./service.ts";
import { template } from "./template.ts";

const optional = Type.Optional;

/** The fields that every component has. */
export const component = (what: string, replicas: number, most: number) => ({
  replicas: Type.Integer({ minimum: 0, maximum: most, default: replicas, description: `pods of ${what}` }),
  resources: optional(resources),
  template: optional(template),
});

const ingress = Type.Object(
  {
    host: Type.String({ maxLength: 253, pattern: HOST, description: "the name that devices connect to" }),
    className: optional(Type.String({ maxLength: 253 })),
    annotations: optional(map<string>(Type.String(), { maxProperties: 32 })),
    tlsSecret: optional(secretName("a TLS Secret for the host")),
  },
  { description: "an Ingress for /v1/ws, and for the api below /" },
);

const gateway = Type.Object(
  {
    name: Type.String({ maxLength: 253, pattern: HOST }),
    namespace: optional(Type.String({ maxLength: 63, pattern: NAME })),
    sectionName: optional(Type.String({ maxLength: 253 })),
    host: Type.String({ maxLength: 253, pattern: HOST, description: "the name that devices connect to" }),
  },
  { description: "an HTTPRoute to a Gateway of yours, in place of an Ingress" },
);

export const connectors = Type.Object(
  {
    ...component("the WebSocket edge", 2, 1_000),
    maxConnectionsPerPod: Type.Integer({
      minimum: 100,
      maximum: 1_000_000,
      default: 50_000,
      description: "sockets of one pod; one more is closed with 4429",
    }),
    service: service(
      "connectors.service",
      "how devices reach the connectors inside the cluster, or through a load balancer",
    ),
    autoscaling: optional(connectorAutoscaling),
    limits: optional(connectorLimits),
    trustProxy: optional(
      trustProxy("where not said, one with `ingress` or `gateway`, and none without; the api's too"),
    ),
    ingress: optional(ingress),
    gateway: optional(gateway),
    tls: optional(
      Type.Object(
        {
          secret: secretName(
            "a TLS Secret (`tls.crt`, `tls.key`); when it changes, connectors show the new one, and no socket is closed",
          ),
          host: optional(
            Type.String({
              maxLength: 253,
              pattern: HOST,
              description: "the name on the certificate that devices connect to, for `status.endpoints`",
            }),
          ),
        },
        {
          description: "connectors terminate TLS themselves, behind a `service` of type LoadBalancer",
        },
      ),
    ),
  },
  {
    default: {},
    description: "WebSocket edges: where devices are connected",
    ...rules(
      headroomRule,
      {
        rule: "!(has(self.ingress) && has(self.gateway))",
        message:
          "connectors.ingress and connectors.gateway are both set: keep the one that devices come through",
      },
      {
        rule: "!(has(self.ingress) && has(self.tls))",
        message:
          "connectors.ingress and connectors.tls are both set: an Ingress speaks plain WebSocket to connectors; leave tls out, and let the ingress have its tlsSecret",
      },
    ),
  },
);

export const api = Type.Object(
  {
    ...component("the REST api", 2, 256),
    service: service("api.service", "how the api is reached inside the cluster, or through a load balancer"),
    limits: optional(apiLimits),
    trustProxy: optional(trustProxy("where not said, as `connectors.trustProxy`")),
  },
  { default: {}, description: "REST, sign-in, the page" },
);
