import { SUCCESSOR_WAIT_MS_MAX } from "@jichat/protocol/drain.ts";
import { API_LIMITS, CONNECTOR_LIMITS, limitVariables } from "../crd/limits.ts";
import { tlsFiles, tlsVariables } from "./backend-tls.ts";
import { clusterKeysOf, tokenKeysOf } from "./keys.ts";
import { clusterNameOf, PORTS } from "./names.ts";
import type { Backend, Component } from "./names.ts";
import { pushSettings } from "./push.ts";
import { publicUrls } from "./urls.ts";
import type { DesiredInput } from "./desired-input.ts";
import { backendUrl } from "./desired-input.ts";

/** The folder of a pod's secrets, with one file for each. */
export const SECRETS_PATH = "/etc/jichat/secrets";
export const DATA_PATH = "/var/lib/jichat";

/** The time that a pod gets beyond its drain, to flush what it accepted and to close its connections. */
export const GRACE_SECONDS = 30;

type Settings = Readonly<Record<string, string>>;

/** The environment that differs between components. docs/configuration.md lists every key. */
const OWN: Readonly<Record<Component, (input: DesiredInput) => Settings>> = {
  connector: (input) => ({
    ...tokens(input),
    PORT: String(PORTS.ws),
    SOCKETS_MAX: String(input.cluster.spec.connectors.maxConnectionsPerPod),
    ORIGINS: input.cluster.spec.auth.origins.join(","),
    DRAIN_MS: String(1_000 * input.cluster.spec.drain.deadlineSeconds),
    DRAIN_PER_SECOND: String(input.cluster.spec.drain.maxReconnectsPerSecond),
    SUCCESSOR_WAIT_MS: String(SUCCESSOR_WAIT_MS_MAX),
    TRUST_PROXY: trustOf(input),
    ...limitVariables(CONNECTOR_LIMITS, input.cluster.spec.connectors.limits),
    ...(input.cluster.spec.connectors.tls === undefined
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
  push: ({ cluster: { spec } }) => (spec.push === undefined ? {} : pushSettings(spec.push)),
  api: (input) => ({
    ...tokens(input),
    PORT: String(PORTS.api),
    ORIGINS: input.cluster.spec.auth.origins.join(","),
    WS_URLS: publicUrls(input).join(","),
    TRUST_PROXY: String(input.cluster.spec.api.trustProxy ?? trustOf(input)),
    ...limitVariables(API_LIMITS, input.cluster.spec.api.limits),
    ...(signs(input) ? { TOKEN_SIGNING_KEY_FILE: `${SECRETS_PATH}/signing-key.json` } : {}),
  }),
};

/** The value of the spec, or one trusted proxy if there is an Ingress or a Gateway. */
function trustOf({ cluster: { spec } }: DesiredInput): string {
  const { trustProxy, ingress, gateway } = spec.connectors;
  const isBehindProxy = ingress !== undefined || gateway !== undefined;
  return String(trustProxy ?? (isBehindProxy ? "yes" : "no"));
}

/** Whether the cluster has its own accounts, so that the api signs tokens. */
export const signs = ({ cluster: { spec }, tokenKeys }: DesiredInput): boolean =>
  spec.auth.jwksUrl === undefined && (tokenKeys === undefined || tokenKeys.signingKey !== undefined);

const tokens = ({ cluster: { spec } }: DesiredInput): Settings => ({
  TOKEN_KEYS: spec.auth.jwksUrl ?? `${SECRETS_PATH}/jwks.json`,
  TOKEN_ALGORITHM: spec.auth.algorithm,
  TOKEN_ISSUER: spec.auth.issuer,
  TOKEN_AUDIENCE: spec.auth.audience,
  ...(spec.auth.peopleMustExist === undefined
    ? {}
    : { PEOPLE_MUST_EXIST: spec.auth.peopleMustExist ? "yes" : "no" }),
});

/** The backends that each component uses. */
const ASKS: Readonly<Record<Component, readonly Backend[]>> = {
  connector: ["nats", "redis"],
  router: ["nats", "redis"],
  storage: ["nats", "clickhouse"],
  api: ["nats", "redis"],
  push: ["nats", "redis"],
};

const asksRedis = (component: Component): boolean => ASKS[component].includes("redis");

/** A component's whole environment, without its secrets. */
export function settingsOf(input: DesiredInput, component: Component): Settings {
  const { spec } = input.cluster;
  const { otlp, sampling } = spec.observability;
  return {
    CLUSTER: clusterNameOf(input.cluster),
    ADMIN_HOST: "::",
    ADMIN_PORT: String(PORTS.admin),
    PARTITIONS: String(spec.partitions),
    LOG_REPLICAS: String(spec.durability.replicas),
    LOG_BYTES_MAX: String(spec.retention.logBytesPerPartition),
    MAKE_STREAMS: "no", // The operator makes them, since it knows whether they existed before.
    TRACE_RATIO: String(sampling),
    ...(otlp === undefined ? {} : { OTEL_EXPORTER_OTLP_ENDPOINT: otlp.endpoint }),
    CLUSTER_KEY_FILE: `${SECRETS_PATH}/cluster-key`,
    NATS_URL_FILE: `${SECRETS_PATH}/nats-url`,
    ...(asksRedis(component) ? { REDIS_URL_FILE: `${SECRETS_PATH}/redis-url` } : {}),
    ...tlsVariables(input, ASKS[component], SECRETS_PATH),
    ...OWN[component](input),
  };
}

/** The files of a component's Secret: only what it needs. */
export function secretsOf(input: DesiredInput, component: Component): Settings {
  const { keys, tokenKeys, cluster } = input;
  const checksTokens = component === "connector" || component === "api";
  const redis = asksRedis(component) ? backendUrl(input, "redis", component) : undefined;
  const clickhouse = component === "storage" ? backendUrl(input, "clickhouse", component) : undefined;
  const ownKeys = cluster.spec.auth.jwksUrl === undefined;
  return {
    "cluster-key": clusterKeysOf(keys).join("\n"),
    "nats-url": backendUrl(input, "nats", component) ?? "",
    ...(redis === undefined ? {} : { "redis-url": redis }),
    ...(clickhouse === undefined ? {} : { "clickhouse-url": clickhouse }),
    ...tlsFiles(input, ASKS[component]),
    ...(checksTokens && ownKeys
      ? { "jwks.json": tokenKeys?.jwks ?? JSON.stringify({ keys: tokenKeysOf(keys) }) }
      : {}),
    ...(component === "connector" ? input.tls : {}),
    ...(component === "api" && signs(input)
      ? { "signing-key.json": tokenKeys?.signingKey ?? JSON.stringify(keys.signingKey) }
      : {}),
  };
}

/** Files that a running component rereads when they change. */
const REREAD: ReadonlySet<string> = new Set([
  "cluster-key",
  "jwks.json",
  "signing-key.json",
  "tls.crt",
  "tls.key",
]);

/** The part of a component's Secret that is read only at the start. Pods are replaced when it changes. */
export const startSecretsOf = (input: DesiredInput, component: Component): Settings =>
  Object.fromEntries(Object.entries(secretsOf(input, component)).filter(([file]) => !REREAD.has(file)));

/** Whether a rotation affects pods of `component`: the keys that they verify with, or their credentials. */
export const usesKeys = ({ cluster: { spec } }: DesiredInput, component: Component): boolean =>
  component === "connector" ||
  component === "api" ||
  ASKS[component].some((backend) => spec[backend].managed !== undefined);
