import { clusterNameOf, PORTS } from "./names.ts";
import type { Component } from "./names.ts";
import type { Wish } from "./wish.ts";
import { backendUrl } from "./wish.ts";

/** Where a pod finds its secrets, one file each. */
export const SECRETS_PATH = "/etc/jichat/secrets";
export const DATA_PATH = "/var/lib/jichat";

/** Time that a pod is given beyond its drain: to flush what it accepted, and to say goodbye. */
export const GRACE_SECONDS = 30;

type Settings = Readonly<Record<string, string>>;

/** What differs from component to component, as its environment; docs/configuration.md names every key. */
const OWN: Readonly<Record<Component, (wish: Wish) => Settings>> = {
  connector: (wish) => ({
    ...tokens(wish),
    PORT: String(PORTS.ws),
    SOCKETS_MAX: String(wish.cluster.spec.connectors.maxConnectionsPerPod),
    ORIGINS: wish.cluster.spec.auth.origins.join(","),
    DRAIN_MS: String(1_000 * wish.cluster.spec.drain.deadlineSeconds),
    TRUST_PROXY: isBehindProxy(wish) ? "yes" : "no",
    ...(wish.cluster.spec.connectors.tls === undefined
      ? {}
      : { TLS_CERT_FILE: `${SECRETS_PATH}/tls.crt`, TLS_KEY_FILE: `${SECRETS_PATH}/tls.key` }),
  }),
  router: () => ({}),
  storage: ({ cluster: { spec } }) => ({
    TRIM_GRACE_MS: String(spec.retention.logHours * 3_600_000),
    ...(spec.clickhouse.embedded === undefined
      ? { CLICKHOUSE_URL_FILE: `${SECRETS_PATH}/clickhouse-url` }
      : { CLICKHOUSE_EMBEDDED_PATH: `${DATA_PATH}/clickhouse` }),
  }),
  api: (wish) => ({
    ...tokens(wish),
    PORT: String(PORTS.api),
    ORIGINS: wish.cluster.spec.auth.origins.join(","),
    WS_URLS: publicUrls(wish).join(","),
    TRUST_PROXY: isBehindProxy(wish) ? "yes" : "no",
    ...(signs(wish) ? { TOKEN_SIGNING_KEY_FILE: `${SECRETS_PATH}/signing-key.json` } : {}),
  }),
};

const isBehindProxy = ({ cluster: { spec } }: Wish): boolean =>
  spec.connectors.ingress !== undefined || spec.connectors.gateway !== undefined;

/** The port only where it is not the scheme's own. */
export const webSocketUrl = (scheme: "ws" | "wss", host: string, port: number): string =>
  `${scheme}://${host}${port === (scheme === "ws" ? 80 : 443) ? "" : `:${port}`}/v1/ws`;

/** Where devices outside the cluster connect; nothing where only the Service is there. */
export function publicUrls({ cluster: { spec } }: Wish): readonly string[] {
  const { ingress, gateway, tls, service } = spec.connectors;
  if (ingress !== undefined)
    return [`${ingress.tlsSecret === undefined ? "ws" : "wss"}://${ingress.host}/v1/ws`];
  if (gateway !== undefined) return [`wss://${gateway.host}/v1/ws`];
  return tls?.host === undefined ? [] : [webSocketUrl("wss", tls.host, service.port)];
}

/** Whether accounts are our own, so that the api signs tokens. */
const signs = ({ cluster: { spec }, tokenKeys }: Wish): boolean =>
  spec.auth.jwksUrl === undefined && (tokenKeys === undefined || tokenKeys.signingKey !== undefined);

const tokens = ({ cluster: { spec } }: Wish): Settings => ({
  TOKEN_KEYS: spec.auth.jwksUrl ?? `${SECRETS_PATH}/jwks.json`,
  TOKEN_ALGORITHM: spec.auth.algorithm,
  TOKEN_ISSUER: spec.auth.issuer,
  TOKEN_AUDIENCE: spec.auth.audience,
  ...(spec.auth.peopleMustExist === undefined
    ? {}
    : { PEOPLE_MUST_EXIST: spec.auth.peopleMustExist ? "yes" : "no" }),
});

const asksRedis = (component: Component): boolean => component !== "storage";

/** A component's whole environment, without its secrets. */
export function settingsOf(wish: Wish, component: Component): Settings {
  const { spec } = wish.cluster;
  const { otlp, sampling } = spec.observability;
  return {
    CLUSTER: clusterNameOf(wish.cluster),
    ADMIN_HOST: "0.0.0.0",
    ADMIN_PORT: String(PORTS.admin),
    PARTITIONS: String(spec.partitions),
    LOG_REPLICAS: String(spec.durability.replicas),
    LOG_BYTES_MAX: String(spec.retention.logBytesPerPartition),
    TRACE_RATIO: String(sampling),
    ...(otlp === undefined ? {} : { OTEL_EXPORTER_OTLP_ENDPOINT: otlp.endpoint }),
    CLUSTER_KEY_FILE: `${SECRETS_PATH}/cluster-key`,
    NATS_URL_FILE: `${SECRETS_PATH}/nats-url`,
    ...(asksRedis(component) ? { REDIS_URL_FILE: `${SECRETS_PATH}/redis-url` } : {}),
    ...OWN[component](wish),
  };
}

/** The files of a component's Secret: what it needs and no more. */
export function secretsOf(wish: Wish, component: Component): Settings {
  const { keys, tokenKeys, cluster } = wish;
  const checksTokens = component === "connector" || component === "api";
  const redis = asksRedis(component) ? backendUrl(wish, "redis", component) : undefined;
  const clickhouse = component === "storage" ? backendUrl(wish, "clickhouse", component) : undefined;
  const ownKeys = cluster.spec.auth.jwksUrl === undefined;
  return {
    "cluster-key": keys.clusterKey,
    "nats-url": backendUrl(wish, "nats", component) ?? "",
    ...(redis === undefined ? {} : { "redis-url": redis }),
    ...(clickhouse === undefined ? {} : { "clickhouse-url": clickhouse }),
    ...(checksTokens && ownKeys
      ? { "jwks.json": tokenKeys?.jwks ?? JSON.stringify({ keys: keys.publicKeys }) }
      : {}),
    ...(component === "connector" ? wish.tls : {}),
    ...(component === "api" && signs(wish)
      ? { "signing-key.json": tokenKeys?.signingKey ?? JSON.stringify(keys.signingKey) }
      : {}),
  };
}
