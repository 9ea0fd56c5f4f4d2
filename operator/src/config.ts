import { EnvReader } from "@jichat/runtime/env-reader.ts";

export interface Config {
  readonly instance: string;
  /** Namespaces whose ChatClusters this operator manages; empty means all namespaces. */
  readonly watchNamespaces: readonly string[];
  /** The Lease that all candidates of this release and scope share. */
  readonly lease: string;
  /** The namespace of this pod. Its Lease is there, and backends accept connections from there. */
  readonly namespace: string;
  /** The tag of the images for a ChatCluster that names no version. */
  readonly version: string;
  /** Whether pods name their user ids, or the platform assigns them, as OpenShift does. */
  readonly podUsers: "fixed" | "assigned";
  readonly adminPort: number;
  readonly adminHost: string;
  readonly logLevel: "debug" | "info" | "warn" | "error";
  readonly otlpEndpoint: string | undefined;
  readonly workers: number;
  readonly resyncMs: number;
  /** How many ChatClusters move their devices to a new revision at once. */
  readonly rolloutsAtOnce: number;
  /** How often backends are asked, in milliseconds. Drift in streams is corrected within this time. */
  readonly probeMs: number;
}

export interface UninstallConfig extends Pick<Config, "namespace" | "lease" | "watchNamespaces"> {
  /** Whether the CustomResourceDefinition is deleted together with the chart. */
  readonly crdGoes: boolean;
}

/** The identity of this operator, and the namespaces that it watches. */
const readScope = (reader: EnvReader): Pick<Config, "namespace" | "lease" | "watchNamespaces"> => ({
  watchNamespaces: reader.list("WATCH_NAMESPACES"),
  lease: reader.text("LEASE", { default: "jichat-operator" }),
  namespace: reader.text("NAMESPACE", { default: "default" }),
});

/** The configuration of the chart's hook before an uninstall. */
export function readUninstallConfig(env: NodeJS.ProcessEnv): UninstallConfig {
  const reader = new EnvReader(env);
  const config = {
    ...readScope(reader),
    crdGoes: reader.oneOf("CRD_GOES", ["yes", "no"], "no") === "yes",
  };
  reader.finish();
  return Object.freeze(config);
}

/** Called once, by main, before any I/O. Throws one error that names every bad key. */
export function readConfig(env: NodeJS.ProcessEnv): Config {
  const reader = new EnvReader(env);
  const config: Config = {
    instance: reader.instance("INSTANCE", "operator"),
    ...readScope(reader),
    version: reader.text("JICHAT_VERSION"),
    podUsers: reader.oneOf("POD_USERS", ["fixed", "assigned"], "fixed"),
    adminPort: reader.int("ADMIN_PORT", { default: 0, min: 0, max: 65_535 }),
    adminHost: reader.text("ADMIN_HOST", { default: "127.0.0.1" }),
    logLevel: reader.oneOf("LOG_LEVEL", ["debug", "info", "warn", "error"], "info"),
    otlpEndpoint: reader.optional("OTEL_EXPORTER_OTLP_ENDPOINT"),
    workers: reader.int("WORKERS", { default: 4, min: 1, max: 64 }),
    resyncMs: reader.int("RESYNC_MS", { default: 30_000, min: 1_000, max: 600_000 }),
    rolloutsAtOnce: reader.int("ROLLOUTS_AT_ONCE", { default: 1, min: 1, max: 1_000 }),
    probeMs: reader.int("PROBE_MS", { default: 15_000, min: 500, max: 60_000 }),
  };
  reader.finish();
  return Object.freeze(config);
}
