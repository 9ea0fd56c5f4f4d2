import type { Component } from "./component.ts";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { ROOT } from "../cache.ts";
import type { Program } from "../needs.ts";
import type { Backend } from "./backends.ts";
import { natsServer, redisServer } from "./backends.ts";
import { heapFlags } from "./heaps.ts";
import type { PartSpec } from "./part.ts";
import { Part } from "./part.ts";
import { freePorts } from "./ports.ts";
import { ensurePushFolder } from "./push-folder.ts";
import { ensureSecrets } from "./secrets.ts";
import type { Secrets } from "./secrets.ts";

export interface StackOptions {
  /** The folder of all state. Stacks with different folders do not affect each other. */
  readonly data: string;
  readonly cluster?: string;
  readonly routers: number;
  readonly connectors: number;
  /** Push workers. Absent means none: most tests need none, and each takes its share of the machine. */
  readonly push?: PushOptions | undefined;
  /** The port of the api; the connectors use the next ones. Undefined means free ports. */
  readonly port?: number;
  readonly host?: string;
  /** Where each component runs, if not on this host. */
  readonly place?: (part: string) => Place;
  /** External backends, which replace the ones that would be started. */
  readonly natsUrl?: string | undefined;
  readonly redisUrl?: string | undefined;
  readonly clickhouseUrl?: string | undefined;
  readonly nats?: Program | undefined;
  readonly redis?: Program | undefined;
  readonly chdbHome?: string | undefined;
  readonly webRoot?: string | undefined;
  /** Origins of pages that may use this cluster, beside its own page. */
  readonly origins?: readonly string[];
  /**
   * The keys of another system's tokens, a JWKS file or URL: that system has the accounts, and this cluster
   * has none of its own.
   */
  readonly tokenKeys?: string | undefined;
  readonly fsync?: "always" | "interval";
  /** Additional environment for one component (`router`, `connector` …) or for all (`*`). */
  readonly env?: Readonly<Record<string, Readonly<Record<string, string>>>>;
  /** The checkout that the components run from. Default: this one. */
  readonly root?: string;
}

export interface PushOptions {
  readonly workers: number;
  /** Where pushes of kind `webhook` are posted. It may be on this machine. */
  readonly webhookUrl?: string | undefined;
  /** Credentials of providers that may be on this machine. Default: those of `ensurePushFolder`. */
  readonly folder?: string | undefined;
}

/** A separate host for a part: its address, and the command prefix that starts the part there. */
export interface Place {
  readonly host: string;
  readonly enter: readonly string[];
}

const LOOPBACK = "127.0.0.1";
const STARTED_WITHIN_MS = 30_000;
const REPLACED_WITHIN_MS = 15_000;

const mainOf = (root: string, component: string): string => join(root, component, "src/main.ts");

/** Gives each port once. */
function oneAfterTheOther(ports: readonly number[]): () => number {
  const left = [...ports];
  return () => {
    const port = left.shift();
    if (port === undefined) throw new Error("the number of free ports does not match the number of parts");
    return port;
  };
}

/** On a single machine, storage yields to the message path: its inserts would use every core they get. */
const STORAGE_NICENESS = 10;

/** A whole cluster on this machine. Every part is a separate process, and every port is on loopback. */
export class Stack {
  readonly options: StackOptions;
  readonly secrets: Secrets;
  readonly nats: Part | undefined;
  readonly redis: Part | undefined;
  readonly storage: Part;
  readonly routers: Part[];
  readonly connectors: Part[];
  readonly api: Part;
  readonly pushWorkers: readonly Part[];
  readonly natsUrl: string;
  readonly redisUrl: string;
  readonly apiUrl: string;
  readonly wsUrls: readonly string[];
  readonly natsPort: number;
  readonly redisPort: number;

  private constructor(
    options: StackOptions,
    ports: Readonly<Record<"nats" | "redis" | "api", number>>,
    connectorPorts: readonly number[],
    adminPorts: readonly number[],
  ) {
    this.options = options;
    this.secrets = ensureSecrets(options.data);
    this.natsPort = ports.nats;
    this.redisPort = ports.redis;
    this.natsUrl = options.natsUrl ?? `nats://127.0.0.1:${ports.nats}`;
    this.redisUrl = options.redisUrl ?? `redis://127.0.0.1:${ports.redis}`;
    this.apiUrl = `http://${this.#place("api").host}:${ports.api}`;
    this.wsUrls = connectorPorts.map(
      (port, i) => `ws://${this.#place(`connector-${i + 1}`).host}:${port}/v1/ws`,
    );
    mkdirSync(join(options.data, "logs"), { recursive: true });
    this.nats =
      options.natsUrl === undefined
        ? new Part(natsServer(this.#backend("nats", ports.nats, options.nats)))
        : undefined;
    this.redis =
      options.redisUrl === undefined
        ? new Part(redisServer(this.#backend("redis", ports.redis, options.redis)))
        : undefined;
    const adminPort = oneAfterTheOther(adminPorts);
    this.storage = this.#component(
      "storage",
      "storage",
      adminPort(),
      options.clickhouseUrl === undefined
        ? { CLICKHOUSE_EMBEDDED_PATH: join(options.data, "clickhouse"), CHDB_HOME: options.chdbHome ?? "" }
        : { CLICKHOUSE_URL: options.clickhouseUrl },
    );
    this.routers = Array.from({ length: options.routers }, (_, i) =>
      this.#component("router", `router-${i + 1}`, adminPort(), {}),
    );
    this.connectors = connectorPorts.map((port, i) =>
      this.#component("connector", `connector-${i + 1}`, adminPort(), {
        PORT: String(port),
        HOST: this.#place(`connector-${i + 1}`).host,
        DRAIN_MS: "1000",
        ORIGINS: this.#origins,
      }),
    );
    this.api = this.#component("api", "api", adminPort(), {
      PORT: String(ports.api),
      HOST: this.#place("api").host,
      WS_URLS: this.wsUrls.join(","),
      ORIGINS: this.#origins,
      ...(options.tokenKeys === undefined ? { TOKEN_SIGNING_KEY_FILE: this.secrets.signingKeyFile } : {}),
      ...(options.webRoot === undefined ? {} : { WEB_ROOT: options.webRoot }),
    });
    this.pushWorkers = this.#pushWorkersOf(options, adminPort);
  }

  #pushWorkersOf({ push, data }: StackOptions, adminPort: () => number): readonly Part[] {
    if (push === undefined) return [];
    const { workers, webhookUrl, folder } = push;
    const isInside = webhookUrl !== undefined || folder !== undefined;
    const env = {
      PUSH_FOLDER: folder ?? ensurePushFolder(data, webhookUrl),
      ...(isInside ? { PUSH_ALLOWED_ADDRESSES: "127.0.0.0/8,::1/128" } : {}),
    };
    return Array.from({ length: workers }, (_, i) =>
      this.#component("push", `push-${i + 1}`, adminPort(), env),
    );
  }

  /** Plans a cluster: chooses its ports, and starts nothing. */
  static async plan(options: StackOptions): Promise<Stack> {
    mkdirSync(options.data, { recursive: true });
    // On SIGTERM, a test ends through `exit`, which ends its parts. A supervisor has its own handler.
    if (process.listenerCount("SIGTERM") === 0)
      process.once("SIGTERM", () => {
        process.exit(143);
      });
    const [nats = 0, redis = 0, api = 0, ...rest] = await freePorts(
      3 + 2 * options.connectors + options.routers + 2 + (options.push?.workers ?? 0),
    );
    const connectorPorts = rest.splice(0, options.connectors);
    const { port } = options;
    return new Stack(
      options,
      { nats, redis, api: port ?? api },
      port === undefined ? connectorPorts : connectorPorts.map((_, i) => port + 1 + i),
      rest,
    );
  }

  get parts(): readonly Part[] {
    const backends = [this.nats, this.redis].flatMap((part) => (part === undefined ? [] : [part]));
    return [...backends, ...this.#ours];
  }

  /** Starts all parts, and waits until every one is ready. */
  async start(): Promise<void> {
    for (const part of [this.nats, this.redis]) part?.start();
    await Promise.all([this.nats, this.redis].map(async (part) => part?.ready(STARTED_WITHIN_MS)));
    for (const part of this.#ours) part.start();
    await Promise.all(this.#ours.map((part) => part.ready(STARTED_WITHIN_MS)));
  }

  /**
   * Stops edges, owners, push workers, storage and backends in this order, so that nothing accepted is lost.
   * It takes `graceMs` at most in all.
   */
  async stop(graceMs = 4_500): Promise<void> {
    const end = performance.now() + graceMs;
    const left = (): number => Math.max(100, end - performance.now());
    await Promise.all([...this.connectors, this.api].map((part) => part.stop(left() * 0.5)));
    await Promise.all(this.routers.map((part) => part.stop(left() * 0.6)));
    await Promise.all([...this.pushWorkers, this.storage].map((part) => part.stop(left() * 0.7)));
    await Promise.all([this.nats, this.redis].map(async (part) => part?.stop(left())));
  }

  /** Kills everything at once, in any state. */
  async destroy(): Promise<void> {
    await Promise.all(
      this.parts.map(async (part) => {
        if (part.isRunning) part.signal("SIGCONT");
        await part.kill();
      }),
    );
  }

  /** Starts one more router, and waits until it is ready. */
  async addRouter(): Promise<Part> {
    const [admin = 0] = await freePorts(1);
    const part = this.#component("router", `router-${this.routers.length + 1}`, admin, {});
    this.routers.push(part);
    part.start();
    await part.ready(STARTED_WITHIN_MS);
    return part;
  }

  /** Stops a component, and starts it from another checkout with the same name, ports and data. */
  async replace(part: Part, root: string): Promise<void> {
    const { spec } = part;
    await part.stop(REPLACED_WITHIN_MS);
    part.become({ ...spec, args: [...spec.args.slice(0, -1), mainOf(root, spec.name.replace(/-\d+$/, ""))] });
    part.start();
    await part.ready(STARTED_WITHIN_MS);
  }

  get #ours(): readonly Part[] {
    return [this.storage, ...this.routers, ...this.connectors, this.api, ...this.pushWorkers];
  }

  /** Its own page, by both names of this machine, and those that were asked for. */
  get #origins(): string {
    const { apiUrl, options } = this;
    return [apiUrl, `http://localhost:${new URL(apiUrl).port}`, ...(options.origins ?? [])].join(",");
  }

  #place(part: string): Place {
    const { place, host = LOOPBACK } = this.options;
    return place?.(part) ?? { host, enter: [] };
  }

  #log(name: string): string {
    return join(this.options.data, "logs", `${name}.log`);
  }

  #component(
    component: Component,
    name: string,
    adminPort: number,
    env: Readonly<Record<string, string>>,
  ): Part {
    const { env: more = {}, cluster = "jichat", root = ROOT } = this.options;
    const place = this.options.place?.(name);
    const main = [process.execPath, ...heapFlags(component), mainOf(root, component)];
    const [program = "", ...args] = [...(place?.enter ?? []), ...main];
    const spec: PartSpec = {
      name,
      program,
      args,
      ...(place === undefined ? {} : { host: place.host }),
      niceness: component === "storage" ? STORAGE_NICENESS : 0,
      logFile: this.#log(name),
      adminPort,
      env: {
        CLUSTER: cluster,
        INSTANCE: name,
        NATS_URL: this.natsUrl,
        REDIS_URL: this.redisUrl,
        ADMIN_PORT: String(adminPort),
        ...(place === undefined ? {} : { ADMIN_HOST: place.host }),
        CLUSTER_KEY_FILE: this.secrets.clusterKeyFile,
        TOKEN_KEYS: this.options.tokenKeys ?? this.secrets.keysFile,
        NODE_OPTIONS: "",
        ...env,
        ...more["*"],
        ...more[component],
        ...more[name],
      },
    };
    return new Part(spec);
  }

  #backend(
    name: "nats" | "redis",
    port: number,
    program: Program | undefined,
  ): Backend & { readonly fsync: StackOptions["fsync"] } {
    const { data, fsync } = this.options;
    if (program === undefined) throw new Error(`without a URL for ${name} its server is needed`);
    const folder = join(data, name);
    return { name, program, folder, host: LOOPBACK, port, logFile: this.#log(name), fsync };
  }
}
