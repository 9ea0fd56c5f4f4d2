import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { natsServer, redisServer } from "@jichat/testkit/local/backends.ts";
import { Part } from "@jichat/testkit/local/part.ts";
import { freePorts } from "@jichat/testkit/local/ports.ts";
import type { Stack } from "@jichat/testkit/local/stack.ts";
import { startThrowaway } from "@jichat/testkit/local/throwaway.ts";
import { needChdb, needNats, needRedis } from "@jichat/testkit/needs.ts";
import { Clock } from "./clock.ts";
import { Disk } from "./disk.ts";
import { NamespaceNetwork } from "./network.ts";
import type { Network } from "./network.ts";
import { ProxyNetwork } from "./proxies.ts";

/** The host of the people whose devices talk, and of this process. */
export const PEOPLE = "people";
export const NATS = ["nats-1", "nats-2", "nats-3"] as const;
export const ROUTERS = ["router-1", "router-2"] as const;
export const CONNECTORS = ["connector-1", "connector-2"] as const;
export const HOSTS = [...NATS, ...ROUTERS, ...CONNECTORS, "storage", "api", "redis", "clickhouse"] as const;
export type Host = (typeof HOSTS)[number];

const WITH_DISK = [...NATS, "clickhouse"] as const;
/** The JiChat components, which need the addresses of the backends. */
const OURS = [...ROUTERS, ...CONNECTORS, "storage", "api"] as const;
const STARTED_WITHIN_MS = 40_000;
const PARTITIONS = "4";
/** An address where nothing listens. */
const NOWHERE = "127.0.0.1:1";

export interface SiteOptions {
  /**
   * The hosts whose clocks will be set, with the seconds that each is ahead at first. Only these, since
   * libfaketime has a cost.
   */
  readonly clocks: ReadonlyMap<Host, number>;
  /** `proxies` means no namespaces: one network stack, one disk, and TCP proxies between the parts. */
  readonly over: "namespaces" | "proxies";
}

interface SiteParts {
  readonly network: Network;
  readonly stack: Stack;
  readonly urls: { readonly ws: readonly string[]; readonly api: string };
  readonly disks: ReadonlyMap<string, Disk>;
  readonly clocks: ReadonlyMap<string, Clock>;
  readonly backends: readonly Part[];
  readonly destroy: () => Promise<void>;
}

/** A whole cluster as in production: three nats-servers, R3, and each part on its own host. */
export class Site {
  readonly network: Network;
  readonly stack: Stack;
  readonly wsUrls: readonly string[];
  readonly apiUrl: string;
  readonly disks: ReadonlyMap<string, Disk>;
  readonly clocks: ReadonlyMap<string, Clock>;
  readonly #parts: ReadonlyMap<string, Part>;
  readonly #destroy: () => Promise<void>;

  private constructor({ network, stack, urls, disks, clocks, backends, destroy }: SiteParts) {
    this.network = network;
    this.stack = stack;
    this.wsUrls = urls.ws;
    this.apiUrl = urls.api;
    this.disks = disks;
    this.clocks = clocks;
    this.#parts = new Map([...backends, ...stack.parts].map((part) => [part.spec.name, part]));
    this.#destroy = destroy;
  }

  static async open(data: string, { clocks: wanted, over }: SiteOptions): Promise<Site> {
    const network = over === "namespaces" ? await NamespaceNetwork.open(PEOPLE, HOSTS) : new ProxyNetwork();
    const disks = new Map<string, Disk>();
    if (over === "namespaces")
      for (const host of WITH_DISK) disks.set(host, await Disk.make(data, `disk-${host}`));
    const clocks = new Map<string, Clock>();
    for (const [host, ahead] of wanted) clocks.set(host, await Clock.make(data, host, ahead));
    const ports = await portsOf();
    const backends = await startBackends({ data, network, disks, ports, over });
    const { stack, destroy } = await startThrowaway(await settingsOf(network, clocks, ports));
    const reach = async (url: string, host: string): Promise<string> =>
      url.replace(new URL(url).host, await network.endpoint(PEOPLE, host, Number(new URL(url).port)));
    const urls = {
      ws: await Promise.all(stack.wsUrls.map(async (url, i) => reach(url, CONNECTORS[i] ?? ""))),
      api: await reach(stack.apiUrl, "api"),
    };
    return new Site({
      network,
      stack,
      urls,
      disks,
      clocks,
      backends,
      destroy: async () => {
        await destroy();
        await Promise.all(backends.map(async (part) => part.kill()));
        network.close();
      },
    });
  }

  part(host: Host): Part {
    const part = this.#parts.get(host);
    if (part === undefined) throw new Error(`nothing runs on ${host}`);
    return part;
  }

  /** The address of Redis, seen from this process. */
  get redis(): { readonly host: string; readonly port: number } {
    const { host = "", port = 0 } = this.part("redis").spec;
    return { host, port };
  }

  get parts(): readonly Part[] {
    return [...this.#parts.values()];
  }

  async close(): Promise<void> {
    await this.#destroy();
  }
}

interface Ports {
  readonly nats: readonly number[];
  readonly routes: readonly number[];
  readonly redis: number;
  readonly clickhouse: number;
}

async function portsOf(): Promise<Ports> {
  const ports = await freePorts(2 * NATS.length + 2);
  const nats = ports.splice(0, NATS.length);
  const routes = ports.splice(0, NATS.length);
  const [redis = 0, clickhouse = 0] = ports;
  return { nats, routes, redis, clickhouse };
}

interface BackendsToStart {
  readonly data: string;
  readonly network: Network;
  readonly disks: ReadonlyMap<string, Disk>;
  readonly ports: Ports;
  readonly over: SiteOptions["over"];
}

async function startBackends({
  data,
  network,
  disks,
  ports,
  over,
}: BackendsToStart): Promise<readonly Part[]> {
  const folderOf = (host: Host): string => join(disks.get(host)?.folder ?? data, host);
  const placed = (host: Host, port: number) => ({
    name: host,
    folder: folderOf(host),
    host: network.place(host).host,
    port,
    logFile: join(data, `${host}.log`),
  });
  const program = await needNats();
  const servers = await Promise.all(
    NATS.map(async (host, at) => {
      const routes = NATS.map(async (to, i) => network.endpoint(host, to, ports.routes[i] ?? 0));
      // A server that advertised its own address would be reached past the proxies.
      const advertise = over === "proxies" ? { advertise: NOWHERE } : {};
      const cluster = {
        name: "site",
        port: ports.routes[at] ?? 0,
        routes: (await Promise.all(routes)).map((route) => `nats://${route}`),
        ...advertise,
      };
      // The file is not on the server's disk: a power cut should not lose the configuration.
      const configFile = join(data, `${host}.conf`);
      return natsServer({ ...placed(host, ports.nats[at] ?? 0), program, cluster, configFile });
    }),
  );
  const redis = redisServer({ ...placed("redis", ports.redis), program: await needRedis() });
  const { host } = network.place("clickhouse");
  const engine = folderOf("clickhouse");
  mkdirSync(engine, { recursive: true });
  const front = {
    name: "clickhouse",
    program: process.execPath,
    args: [join(import.meta.dirname, "../clickhouse-front.ts")],
    env: {
      HOST: host,
      PORT: String(ports.clickhouse),
      CHDB_HOME: await needChdb(),
      CLICKHOUSE_EMBEDDED_PATH: engine,
    },
    logFile: join(data, "clickhouse.log"),
    host,
    port: ports.clickhouse,
  };
  const parts = [...servers, redis, front].map((spec) => {
    const [first = "", ...args] = [...network.place(spec.name).enter, spec.program, ...spec.args];
    return new Part({ ...spec, program: first, args });
  });
  for (const part of parts) part.start();
  await Promise.all(parts.map(async (part) => part.ready(STARTED_WITHIN_MS)));
  return parts;
}

/** The settings by which the parts of a stack find the backends from their own hosts. */
async function settingsOf(network: Network, clocks: ReadonlyMap<string, Clock>, ports: Ports) {
  const env: Record<string, Record<string, string>> = {
    "*": { PARTITIONS, LOG_REPLICAS: "3", LOG_BYTES_MAX: "67108864" },
  };
  for (const host of OURS) {
    const servers = NATS.map(async (to, i) => network.endpoint(host, to, ports.nats[i] ?? 0));
    env[host] = {
      NATS_URL: `nats://${(await Promise.all(servers)).join(",")}`,
      REDIS_URL: `redis://${await network.endpoint(host, "redis", ports.redis)}`,
      ...clocks.get(host)?.env,
    };
  }
  const url = "said to each part by itself";
  return {
    routers: ROUTERS.length,
    connectors: CONNECTORS.length,
    natsUrl: url,
    redisUrl: url,
    clickhouseUrl: `http://${await network.endpoint("storage", "clickhouse", ports.clickhouse)}`,
    place: (part: string) => network.place(part),
    env,
  };
}
