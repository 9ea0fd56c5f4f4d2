import type { BackendTls } from "./tls-material.ts";
import { randomBytes } from "node:crypto";
import { readNatsTls } from "./backend-tls.ts";
import type { EnvReader } from "./env-reader.ts";

/** The secrets from which tickets and the admin token derive: the present key first, then earlier ones. */
export type ClusterKeys = readonly [string, ...string[]];

/** Settings that all components share. */
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
  /** The first key signs; all keys verify. They come from `clusterKeysFile` if that is set. */
  readonly clusterKeys: ClusterKeys;
  readonly clusterKeysFile: string | undefined;
}

/** More keys mean no real rotation, and each forged ticket is compared with all of them. */
const CLUSTER_KEYS_MAX = 128;
const CLUSTER_KEY_LENGTH_MIN = 32;

/** Parses keys, one a line, the newest first. Throws an Error that says what is wrong without the keys. */
export function clusterKeysOf(text: string): ClusterKeys {
  const [first, ...before] = text
    .split("\n")
    .map((line) => line.trim())
    .filter((line) => line !== "");
  if (first === undefined) throw new Error("there is no key");
  const keys: ClusterKeys = [first, ...before];
  if (keys.length > CLUSTER_KEYS_MAX) throw new Error(`there are more than ${CLUSTER_KEYS_MAX} keys`);
  const short = keys.findIndex((key) => key.length < CLUSTER_KEY_LENGTH_MIN);
  if (short >= 0) throw new Error(`key ${short + 1} is shorter than ${CLUSTER_KEY_LENGTH_MIN} characters`);
  return keys;
}

function readClusterKeys(reader: EnvReader): ClusterKeys {
  const text = reader.secret("CLUSTER_KEY");
  if (text === "") return [""]; // `secret` has reported it as missing.
  try {
    return clusterKeysOf(text);
  } catch (cause) {
    reader.refuse(`CLUSTER_KEY: ${cause instanceof Error ? cause.message : String(cause)}`);
    return [""];
  }
}

export function readProcessConfig(reader: EnvReader, component: string): ProcessConfig {
  return {
    cluster: reader.token("CLUSTER", { default: "jichat" }),
    // Unique per start, not per pod: a restarted process is a different owner.
    instance: `${reader.instance("INSTANCE", component)}-${randomBytes(4).toString("hex")}`,
    natsUrl: reader.natsUrl("NATS_URL", "nats://127.0.0.1:4222"),
    natsTls: readNatsTls(reader),
    adminPort: reader.int("ADMIN_PORT", { default: 0, min: 0, max: 65_535 }),
    adminHost: reader.text("ADMIN_HOST", { default: "127.0.0.1" }),
    logLevel: reader.oneOf("LOG_LEVEL", ["debug", "info", "warn", "error"], "info"),
    otlpEndpoint: reader.optional("OTEL_EXPORTER_OTLP_ENDPOINT"),
    traceRatio: reader.ratio("TRACE_RATIO", 0.01),
    clusterKeys: readClusterKeys(reader),
    clusterKeysFile: reader.fileOf("CLUSTER_KEY"),
  };
}
