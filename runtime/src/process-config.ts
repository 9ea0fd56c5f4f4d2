import { randomBytes } from "node:crypto";
import type { BackendTls } from "./backend-tls.ts";
import { readNatsTls } from "./backend-tls.ts";
import type { EnvReader } from "./env-reader.ts";

/** What every component is told the same way. */
export interface ProcessConfig {
  readonly cluster: string;
  readonly instance: string;
  readonly natsUrl: string;
  readonly natsTls: BackendTls | undefined;
  readonly adminPort: number;
  readonly adminHost: string;
  readonly logLevel: "debug" | "info" | "warn" | "error";
  readonly otlpEndpoint: string | undefined;
  readonly traceRatio: number;
  readonly clusterKey: string;
}

export function readProcessConfig(reader: EnvReader, component: string): ProcessConfig {
  return {
    cluster: reader.token("CLUSTER", { default: "jichat" }),
    // Unique per start, not per pod: a restarted process is another owner.
    instance: `${reader.instance("INSTANCE", component)}-${randomBytes(4).toString("hex")}`,
    natsUrl: reader.natsUrl("NATS_URL", "nats://127.0.0.1:4222"),
    natsTls: readNatsTls(reader),
    adminPort: reader.int("ADMIN_PORT", { default: 0, min: 0, max: 65_535 }),
    adminHost: reader.text("ADMIN_HOST", { default: "127.0.0.1" }),
    logLevel: reader.oneOf("LOG_LEVEL", ["debug", "info", "warn", "error"], "info"),
    otlpEndpoint: reader.optional("OTEL_EXPORTER_OTLP_ENDPOINT"),
    traceRatio: reader.ratio("TRACE_RATIO", 0.01),
    clusterKey: reader.secret("CLUSTER_KEY", 32),
  };
}
