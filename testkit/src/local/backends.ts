import { mkdirSync, writeFileSync } from "node:fs";
import type { Program } from "../needs.ts";
import { NATS_GOGC } from "./heaps.ts";
import type { PartSpec } from "./part.ts";

/** What every backend that we start is told the same way. */
export interface Backend {
  readonly name: string;
  readonly program: Program;
  /** Its data's. */
  readonly folder: string;
  readonly host: string;
  readonly port: number;
  readonly logFile: string;
}

/** One of several servers: where it listens for the others, and where they all do. */
export interface NatsCluster {
  readonly name: string;
  readonly port: number;
  readonly routes: readonly string[];
  /** Where it tells the other servers that it is; its clients it then tells of nobody. */
  readonly advertise?: string;
}

export interface NatsBackend extends Backend {
  readonly fsync?: "always" | "interval" | undefined;
  /** Where its configuration is written; default: beside its folder. */
  readonly configFile?: string;
  readonly cluster?: NatsCluster;
  /** What its `tls` block says; without it whoever comes speaks plainly. */
  readonly tls?: string;
}

/** A nats-server with JetStream; its configuration is written beside its data. */
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
    // As the operator has it: a route that is cut is noticed within nine seconds, not a minute, and one that
    // was noticed is there again a second after the heal, not when TCP tries again.
    "  ping_interval: 3s",
    "  ping_max: 2",
    ...(advertise === undefined ? [] : [`  advertise: ${JSON.stringify(advertise)}`, "  no_advertise: true"]),
    "}",
  ];
}

/** A redis-server. It is a cache and starts empty: keeping its keys over a restart would prove nothing. */
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
