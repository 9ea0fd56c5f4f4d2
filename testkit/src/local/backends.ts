import { mkdirSync, writeFileSync } from "node:fs";
import type { Program } from "../needs.ts";
import { NATS_GOGC } from "./heaps.ts";
import type { PartSpec } from "./part.ts";

/** The options that every backend has. */
export interface Backend {
  readonly name: string;
  readonly program: Program;
  /** The folder of its data. */
  readonly folder: string;
  readonly host: string;
  readonly port: number;
  readonly logFile: string;
}

/** The cluster of a nats-server: the port for other servers, and the ports of all. */
export interface NatsCluster {
  readonly name: string;
  readonly port: number;
  readonly routes: readonly string[];
  /** The address that other servers are told. Clients are then told no addresses. */
  readonly advertise?: string;
}

export interface NatsBackend extends Backend {
  readonly fsync?: "always" | "interval" | undefined;
  /** The path of its configuration. Default: beside its folder. */
  readonly configFile?: string;
  readonly cluster?: NatsCluster;
  /** The content of its `tls` block. Without it, connections are unencrypted. */
  readonly tls?: string;
}

/** A nats-server with JetStream. Its configuration is written beside its data. */
export function natsServer({
  folder,
  host,
  port,
  name,
  program,
  fsync,
  cluster,
  logFile,
  configFile,
  tls,
}: NatsBackend): PartSpec {
  mkdirSync(folder, { recursive: true });
  const config = configFile ?? `${folder}.conf`;
  writeFileSync(
    config,
    [
      `host: ${host}`,
      `port: ${port}`,
      `server_name: ${JSON.stringify(name)}`,
      "max_payload: 1MB",
      ...(tls === undefined ? [] : [`tls { ${tls} }`]),
      "jetstream {",
      `  store_dir: ${JSON.stringify(folder)}`,
      `  sync_interval: ${fsync === "interval" ? "2m" : "always"}`,
      "  max_file_store: 64GB",
      "}",
      ...clusterLines(host, cluster),
      "",
    ].join("\n"),
  );
  return {
    name,
    program: program.path,
    args: ["-c", config],
    env: { ...program.env, GOGC: NATS_GOGC },
    logFile,
    host,
    port,
  };
}

function clusterLines(host: string, cluster: NatsCluster | undefined): readonly string[] {
  if (cluster === undefined) return [];
  const { name, port, routes, advertise } = cluster;
  return [
    "cluster {",
    `  name: ${name}`,
    `  listen: "${host}:${port}"`,
    `  routes: ${JSON.stringify(routes)}`,
    // The same as the operator's: a cut route is detected within nine seconds instead of a minute, and
    // restored within a second after the network heals, instead of at TCP's next retry.
    "  ping_interval: 3s",
    "  ping_max: 2",
    ...(advertise === undefined ? [] : [`  advertise: ${JSON.stringify(advertise)}`, "  no_advertise: true"]),
    "}",
  ];
}

/** A redis-server. It is a cache and starts empty, since keeping keys over a restart would prove nothing. */
export function redisServer({ folder, host, port, name, program, logFile }: Backend): PartSpec {
  mkdirSync(folder, { recursive: true });
  const settings = {
    port: String(port),
    bind: host,
    "protected-mode": "no",
    dir: folder,
    save: "",
    appendonly: "no",
    daemonize: "no",
  };
  return {
    name,
    program: program.path,
    args: Object.entries(settings).flatMap(([key, value]) => [`--${key}`, value]),
    env: program.env,
    logFile,
    host,
    port,
  };
}
