import type {
  V1Affinity,
  V1EnvVarSource,
  V1SELinuxOptions,
  V1Toleration,
  V1VolumeMount,
} from "@kubernetes/client-node";
import { Type } from "typebox";
import { foreign, foreignWith, listBy, map, rules, word } from "./kinds.ts";

const optional = Type.Optional;

/**
 * All variables that the operator sets. With another value, a component could reach another cluster's data,
 * or bypass its secrets. `desired.test.ts` compares this list with what is set.
 */
export const OUR_VARIABLES: readonly string[] = [
  "CLUSTER",
  "INSTANCE",
  "PORT",
  "HOST",
  "ADMIN_HOST",
  "ADMIN_PORT",
  "PARTITIONS",
  "DRAIN_MS",
  "DRAIN_PER_SECOND",
  "SUCCESSOR_WAIT_MS",
  "REVISION",
  "POD_NAME",
  "LOG_REPLICAS",
  "LOG_BYTES_MAX",
  "MAKE_STREAMS",
  "TRACE_RATIO",
  "OTEL_EXPORTER_OTLP_ENDPOINT",
  "TRIM_GRACE_MS",
  "CLUSTER_KEY",
  "CLUSTER_KEY_FILE",
  "NATS_URL",
  "NATS_URL_FILE",
  "REDIS_URL",
  "REDIS_URL_FILE",
  "CLICKHOUSE_URL",
  "CLICKHOUSE_URL_FILE",
  "CLICKHOUSE_EMBEDDED_PATH",
  "ORIGINS",
  "SOCKETS_MAX",
  "TRUST_PROXY",
  "TLS_CERT_FILE",
  "TLS_KEY_FILE",
  "WS_URLS",
  "PEOPLE_MUST_EXIST",
  "TOKEN_KEYS",
  "TOKEN_ALGORITHM",
  "TOKEN_ISSUER",
  "TOKEN_AUDIENCE",
  "NATS_CA",
  "NATS_CERT",
  "NATS_KEY",
  "NATS_CA_FILE",
  "NATS_CERT_FILE",
  "NATS_KEY_FILE",
  "REDIS_CA",
  "REDIS_CERT",
  "REDIS_KEY",
  "REDIS_CA_FILE",
  "REDIS_CERT_FILE",
  "REDIS_KEY_FILE",
  "CLICKHOUSE_CA",
  "CLICKHOUSE_CERT",
  "CLICKHOUSE_KEY",
  "CLICKHOUSE_CA_FILE",
  "CLICKHOUSE_CERT_FILE",
  "CLICKHOUSE_KEY_FILE",
  "TOKEN_SIGNING_KEY",
  "TOKEN_SIGNING_KEY_FILE",
  "PUSH_FOLDER",
  "PUSH_TEMPLATES",
  "PUSH_PREVIEWS",
  "PUSH_MENTIONS_ONLY_ABOVE",
  "PUSH_ALLOWED_ADDRESSES",
];
/** Names of the volumes in the operator's pods. */
export const OUR_VOLUMES: readonly string[] = [
  "secrets",
  "tmp",
  "data",
  "config",
  "users",
  "logs",
  "push-providers",
  "push-templates",
];
/** The mount paths of those volumes. Nothing else may be mounted there, above, or below. */
export const OUR_PATHS: readonly string[] = [
  "/tmp",
  "/data",
  "/app",
  "/etc/jichat",
  "/var/lib/jichat",
  "/etc/nats",
  "/etc/redis",
  "/etc/clickhouse-server/users.d",
  "/var/lib/clickhouse",
  "/var/log/clickhouse-server",
];

const quoted = (words: readonly string[]): string => words.map((one) => `'${one}'`).join(", ");

const variable = Type.Object(
  {
    name: Type.String({ maxLength: 128, pattern: "^[A-Za-z_][A-Za-z0-9_]*$" }),
    value: optional(Type.String({ maxLength: 4_096 })),
    valueFrom: optional(foreign<V1EnvVarSource>("as in a container")),
  },
  {
    ...rules(
      {
        rule: `!(self.name in [${quoted(OUR_VARIABLES)}])`,
        message:
          "template.env names a variable that the operator sets: leave it out, and use the field of spec that it is made of",
      },
      {
        rule: "!(has(self.value) && has(self.valueFrom))",
        message: "template.env has both value and valueFrom: keep the one that counts",
      },
    ),
  },
);

interface Volume {
  readonly name: string;
}

const volume = foreignWith<Volume>(
  { name: Type.String({ maxLength: 63, pattern: "^[a-z0-9]([-a-z0-9]*[a-z0-9])?$" }) },
  {
    description: "as in a pod",
    ...rules({
      rule: `!(self.name in [${quoted(OUR_VOLUMES)}])`,
      message: `template.volumes has a name that pods have already: choose another than ${OUR_VOLUMES.join(", ")}`,
    }),
  },
);

const mount = foreignWith<V1VolumeMount>(
  {
    name: Type.String({ maxLength: 63 }),
    mountPath: Type.String({ minLength: 1, maxLength: 1_024, pattern: "^/" }),
  },
  {
    description: "as in a container",
    ...rules({
      rule: `![${quoted(OUR_PATHS)}].exists(ours, (self.mountPath + '/').startsWith(ours + '/') || (ours + '/').startsWith(self.mountPath + (self.mountPath.endsWith('/') ? '' : '/')))`,
      message: `template.volumeMounts has a path that is taken: choose one apart from ${OUR_PATHS.join(", ")}`,
    }),
  },
);

const id = Type.Integer({ minimum: 1, maximum: 4_294_967_295 });

const securityContext = Type.Object(
  {
    runAsUser: optional(id),
    runAsGroup: optional(id),
    fsGroup: optional(id),
    fsGroupChangePolicy: optional(word(["OnRootMismatch", "Always"])),
    supplementalGroups: optional(Type.Array(id, { maxItems: 16 })),
    seLinuxOptions: optional(foreign<V1SELinuxOptions>("as in a pod")),
  },
  {
    description:
      "as in a pod, in place of the operator's own; what the `restricted` standard requires stays (no root, no capabilities, a read-only root)",
  },
);

/** The additions to the pods of one kind. */
export const template = Type.Object(
  {
    labels: optional(
      map<string>(Type.String({ maxLength: 63 }), { maxProperties: 32, description: "more labels on pods" }),
    ),
    annotations: optional(
      map<string>(Type.String(), { maxProperties: 32, description: "more annotations on pods" }),
    ),
    nodeSelector: optional(map<string>(Type.String({ maxLength: 63 }), { maxProperties: 16 })),
    tolerations: optional(Type.Array(foreign<V1Toleration>("as in a pod"), { maxItems: 16 })),
    affinity: optional(
      foreign<V1Affinity>("as in a pod; it replaces the operator's own (over zones, as far as possible)"),
    ),
    topologySpreadConstraints: optional(
      Type.Array(foreign<Readonly<Record<string, unknown>>>("as in a pod"), {
        maxItems: 8,
        description:
          "it replaces the operator's own (over nodes, as far as possible); default labelSelector: this component's",
      }),
    ),
    priorityClassName: optional(Type.String({ maxLength: 253 })),
    env: optional(
      listBy(variable, ["name"], {
        maxItems: 32,
        description: "more variables, as docs/configuration.md has them; not those that the operator sets",
      }),
    ),
    volumes: optional(listBy(volume, ["name"], { maxItems: 16, description: "more volumes" })),
    volumeMounts: optional(
      listBy(mount, ["mountPath"], { maxItems: 16, description: "where those volumes are" }),
    ),
    securityContext: optional(securityContext),
    serviceAccount: optional(
      Type.Object({
        annotations: map<string>(Type.String(), {
          maxProperties: 32,
          description: "annotations of this component's ServiceAccount, for example for a cloud's identity",
        }),
      }),
    ),
  },
  {
    description: "what pods of this component have in addition to the operator's settings",
    ...rules({
      rule: "!has(self.volumeMounts) || self.volumeMounts.all(mount, has(self.volumes) && self.volumes.exists(volume, volume.name == mount.name))",
      message:
        "template.volumeMounts names a volume that is not in template.volumes: add it there, or take the mount out",
    }),
  },
);
