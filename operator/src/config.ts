import { EnvReader } from "@jichat/runtime/env-reader.ts";

export interface Config {
  readonly instance: string;
  /** Namespaces whose ChatClusters are looked after; none: all of them. */
  readonly watchNamespaces: readonly string[];
  /** The Lease of all candidates of this release and scope. */
  readonly lease: string;
  /** Where this pod runs: its Lease is there, and backends let it in from there. */
  readonly namespace: string;
  /** Tag of the images where a ChatCluster names no version. */
  readonly version: string;
  /** Whether pods say their user ids, or the platform gives them, as OpenShift does. */
  readonly podUsers: "fixed" | "assigned";
  readonly adminPort: number;
  readonly adminHost: string;
  readonly logLevel: "debug" | "info" | "warn" | "error";
  readonly otlpEndpoint: string | undefined;
  readonly workers: number;
  readonly resyncMs: number;
  /** How often backends are asked; drift in streams is put back within this time. */
  readonly probeMs: number;
}

export interface UninstallConfig extends Pick<Config, "namespace" | "lease" | "watchNamespaces"> {
  /** Whether the CustomResourceDefinition goes with the chart. */
  readonly crdGoes: boolean;
}

/** Whose operator this is, and what it sees. */
const readScope = (reader: EnvReader): Pick<Config, "namespace" | "lease" | "watchNamespaces"> => ({
  watchNamespaces: reader.list("WATCH_NAMESPACES"),
  lease: reader.text("LEASE", { default: "jichat-operator" }),
  namespace: reader.text("NAMESPACE", { default: "default" }),
});

/** Of the chart's hook before an uninstall. */
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
    probeMs: reader.int("PROBE_MS", { default: 15_000, min: 500, max: 60_000 }),
  };
  reader.finish();
  return Object.freeze(config);
}
