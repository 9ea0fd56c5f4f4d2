import type { KubeObject } from "../kube/object.ts";
import { tlsFiles } from "./backend-tls.ts";
import { REDIS_CONFIG, clickhouseUsers, redisAcl } from "./caches.ts";
import { clusterKeysOf, encodeKeys } from "./keys.ts";
import type { Component, Role } from "./names.ts";
import { LABELS, componentsIn, keptLabelsOf, metaOf, objectName, selectorOf } from "./names.ts";
import { natsConfig } from "./nats.ts";
import { PROVIDERS, TEMPLATES, providerFiles } from "./push.ts";
import { secretsOf, settingsOf } from "./settings.ts";
import { claimSpec } from "./server-set.ts";
import { templateOf } from "./template.ts";
import type { DesiredInput } from "./desired-input.ts";
import { backendUrl } from "./desired-input.ts";

type Plain = KubeObject & { readonly [field: string]: unknown };

const base64 = (files: Readonly<Record<string, string>>): Record<string, string> =>
  Object.fromEntries(
    Object.entries(files).map(([name, text]) => [name, Buffer.from(text).toString("base64")]),
  );

const secret = (input: DesiredInput, part: string, files: Readonly<Record<string, string>>): Plain => ({
  apiVersion: "v1",
  kind: "Secret",
  metadata: metaOf(input.cluster, part),
  type: "Opaque",
  data: base64(files),
});

export const KEYS = "keys";

/**
 * The Secret of the keys that are made once. If data is kept, this Secret stays after its ChatCluster, since
 * nobody could read the data without it. So it has no owner, and the finalizer deletes it.
 */
export function keysSecret({ cluster, keys }: DesiredInput): Plain {
  return {
    apiVersion: "v1",
    kind: "Secret",
    metadata: {
      name: objectName(cluster, KEYS),
      namespace: cluster.metadata.namespace,
      labels: keptLabelsOf(cluster, KEYS),
    },
    type: "Opaque",
    data: { keys: encodeKeys(keys) },
  };
}

/**
 * The credentials of push providers, as workers read them. They come from Secrets of the user's, so that a
 * change there reaches workers that run.
 */
const providersSecret = (input: DesiredInput): Plain => ({
  ...secret(input, "push", providerFiles(input)),
  metadata: metaOf(input.cluster, "push", objectName(input.cluster, PROVIDERS)),
});

/** One Secret per component and per managed backend. Each pod sees only its own. */
export function secrets(input: DesiredInput): readonly Plain[] {
  const { spec } = input.cluster;
  const migrate = backendUrl(input, "clickhouse", "migrate");
  return [
    ...componentsIn(input.cluster).map((component) => secret(input, component, secretsOf(input, component))),
    ...(spec.push === undefined ? [] : [providersSecret(input)]),
    ...(migrate === undefined
      ? []
      : [
          secret(input, "migrate", {
            "clickhouse-url": migrate,
            "cluster-key": clusterKeysOf(input.keys).join("\n"),
            ...tlsFiles(input, ["clickhouse"]),
          }),
        ]),
    ...(spec.nats.managed === undefined ? [] : [secret(input, "nats", { "nats.conf": natsConfig(input) })]),
    ...(spec.redis.managed === undefined
      ? []
      : [secret(input, "redis", { "redis.conf": REDIS_CONFIG, "users.acl": redisAcl(input) })]),
    ...(spec.clickhouse.managed === undefined
      ? []
      : [secret(input, "clickhouse", { "jichat.xml": clickhouseUsers(input) })]),
  ];
}

const configMap = (metadata: KubeObject["metadata"], data: Readonly<Record<string, string>>): Plain => ({
  apiVersion: "v1",
  kind: "ConfigMap",
  metadata,
  data,
});

/** The settings of each component, and the templates of push as they were checked last. */
export const configMaps = (input: DesiredInput): readonly Plain[] => {
  const { cluster, push } = input;
  const templates = push?.templates;
  return [
    ...componentsIn(cluster).map((component) =>
      configMap(metaOf(cluster, component), settingsOf(input, component)),
    ),
    ...(templates === undefined
      ? []
      : [configMap(metaOf(cluster, "push", objectName(cluster, TEMPLATES)), templates)]),
  ];
};

/** ServiceAccounts without any rights. A mesh or a cloud can tell components apart by them. */
export const serviceAccounts = (input: DesiredInput, roles: readonly Role[]): readonly Plain[] =>
  roles.map((role) => {
    const annotations = templateOf(input, role).serviceAccount?.annotations;
    const metadata = metaOf(input.cluster, role);
    return {
      apiVersion: "v1",
      kind: "ServiceAccount",
      metadata: annotations === undefined ? metadata : { ...metadata, annotations },
      automountServiceAccountToken: false,
    };
  });

/** Roles whose pods hold nothing that others wait for. */
const REPLACED_BY_ANY: ReadonlySet<Role> = new Set(["connector", "api"]);

/**
 * Disruption budgets: one pod at a time, or as many as the spec says for scaled roles. The rest carry on
 * meanwhile.
 */
export const disruptionBudgets = (input: DesiredInput, roles: readonly Role[]): readonly Plain[] =>
  roles.map((role) => ({
    apiVersion: "policy/v1",
    kind: "PodDisruptionBudget",
    metadata: metaOf(input.cluster, role),
    spec: {
      maxUnavailable: REPLACED_BY_ANY.has(role) ? input.cluster.spec.disruption.maxUnavailable : 1,
      selector: { matchLabels: selectorOf(input.cluster, role) },
    },
  }));

const toService = (input: DesiredInput, component: Component, name: string): object => ({
  service: { name: objectName(input.cluster, component), port: { name } },
});

/** The routes from outside: `/v1/ws` goes to connectors, everything else to the api. */
export function ways(input: DesiredInput): readonly Plain[] {
  const { ingress, gateway } = input.cluster.spec.connectors;
  if (gateway !== undefined) return [httpRoute(input, gateway)];
  if (ingress === undefined) return [];
  const { host, className, annotations, tlsSecret } = ingress;
  return [
    {
      apiVersion: "networking.k8s.io/v1",
      kind: "Ingress",
      metadata: {
        ...metaOf(input.cluster, "ingress"),
        ...(annotations === undefined ? {} : { annotations }),
      },
      spec: {
        ...(className === undefined ? {} : { ingressClassName: className }),
        ...(tlsSecret === undefined ? {} : { tls: [{ hosts: [host], secretName: tlsSecret }] }),
        rules: [
          {
            host,
            http: {
              paths: [
                { path: "/v1/ws", pathType: "Exact", backend: toService(input, "connector", "ws") },
                { path: "/", pathType: "Prefix", backend: toService(input, "api", "http") },
              ],
            },
          },
        ],
      },
    },
  ];
}

type Gateway = NonNullable<DesiredInput["cluster"]["spec"]["connectors"]["gateway"]>;

function httpRoute(input: DesiredInput, { name, namespace, sectionName, host }: Gateway): Plain {
  const { cluster } = input;
  const to = (component: Component, at: number): readonly object[] => [
    { name: objectName(cluster, component), port: at },
  ];
  return {
    apiVersion: "gateway.networking.k8s.io/v1",
    kind: "HTTPRoute",
    metadata: metaOf(cluster, "gateway"),
    spec: {
      parentRefs: [
        {
          name,
          ...(namespace === undefined ? {} : { namespace }),
          ...(sectionName === undefined ? {} : { sectionName }),
        },
      ],
      hostnames: [host],
      rules: [
        {
          matches: [{ path: { type: "Exact", value: "/v1/ws" } }],
          backendRefs: to("connector", cluster.spec.connectors.service.port),
        },
        {
          matches: [{ path: { type: "PathPrefix", value: "/" } }],
          backendRefs: to("api", cluster.spec.api.service.port),
        },
      ],
    },
  };
}

/** Metrics of all components, for the Prometheus operator. */
export function podMonitors(input: DesiredInput): readonly Plain[] {
  const { cluster } = input;
  if (!cluster.spec.observability.podMonitor) return [];
  return [
    {
      apiVersion: "monitoring.coreos.com/v1",
      kind: "PodMonitor",
      metadata: metaOf(cluster, "metrics"),
      spec: {
        selector: {
          matchLabels: { [LABELS.instance]: cluster.metadata.name },
          matchExpressions: [{ key: LABELS.component, operator: "In", values: [...componentsIn(cluster)] }],
        },
        podMetricsEndpoints: [{ port: "admin", interval: "15s" }],
      },
    },
  ];
}

/** The volume of the embedded engine. The finalizer keeps or deletes it, as `deletionPolicy` says. */
export function dataClaim(input: DesiredInput): Plain | undefined {
  const { embedded } = input.cluster.spec.clickhouse;
  if (embedded === undefined) return undefined;
  const { cluster } = input;
  return {
    apiVersion: "v1",
    kind: "PersistentVolumeClaim",
    metadata: {
      name: objectName(cluster, "storage-data"),
      namespace: cluster.metadata.namespace,
      labels: keptLabelsOf(cluster, "storage"),
    },
    spec: claimSpec(embedded.storage),
  };
}
