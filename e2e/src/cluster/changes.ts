import { TRANSITIONS, rowOf } from "@jichat/operator/crd/transitions.ts";

/** The parts that have pods, by the label on these pods. */
export const PARTS = ["connector", "router", "storage", "api", "nats", "redis", "clickhouse"] as const;
export type Part = (typeof PARTS)[number];

/** An allowed change to a running ChatCluster. */
export interface Change {
  readonly name: string;
  /** The patch to the spec. */
  readonly patch: object;
  /** The patch that reverts the change, for the sake of the changes after it. */
  readonly back?: object;
  /** The parts whose pods are replaced. All other pods must stay the same. */
  readonly rolls: readonly Part[];
}

/** The values from the lab that changes refer to. */
export interface ChangeNames {
  readonly versions: readonly [string, string];
  readonly pullPolicy: string;
  /** The same images under other names. */
  readonly elsewhere: { readonly registry: string } & Readonly<
    Record<"nats" | "redis" | "clickhouse", string>
  >;
}

const COMPONENTS = ["connector", "router", "storage", "api"] as const;
const BACKENDS = ["nats", "redis", "clickhouse"] as const;

const account = { serviceAccount: { annotations: { "example.com/role": "chat" } } };
const resources = { requests: { cpu: "30m" }, limits: { memory: "768Mi" } };
const template = {
  labels: { "example.com/team": "chat" },
  annotations: { "example.com/why": "a change" },
  env: [{ name: "TZ", value: "UTC" }],
  tolerations: [{ key: "example.com/chat", operator: "Exists" }],
  topologySpreadConstraints: [
    { topologyKey: "kubernetes.io/hostname", maxSkew: 2, whenUnsatisfiable: "ScheduleAnyway" },
  ],
  volumes: [{ name: "more", emptyDir: { sizeLimit: "1Mi" } }],
  volumeMounts: [{ name: "more", mountPath: "/more" }],
};

const of = (names: readonly string[], value: object): object =>
  Object.fromEntries(names.map((name) => [name, value]));
const SPEC_NAMES = ["connectors", "routers", "storage", "api"] as const;

/** A Secret with keys that the tests make from those of the ChatCluster. */
export const OWN_KEYS = "own-keys";

/** Changes to a ChatCluster with managed backends that need no other names or keys. */
const INSIDE: readonly Change[] = [
  {
    name: "two of each",
    patch: of(SPEC_NAMES, { replicas: 2 }),
    back: of(SPEC_NAMES, { replicas: 1 }),
    rolls: [],
  },
  {
    name: "numbers that load decides, within bounds of one",
    patch: of(["connectors", "routers"], { autoscaling: { minReplicas: 1, maxReplicas: 1 } }),
    back: of(["connectors", "routers"], { autoscaling: null }),
    rolls: [],
  },
  {
    name: "what no pod sees",
    patch: {
      deletionPolicy: "Delete",
      connectors: { service: { port: 8080, trafficDistribution: "PreferClose" }, template: account },
      routers: { template: account },
      storage: { template: account },
      api: { service: { type: "NodePort", port: 8080 }, template: account },
      migration: { resources, template: { labels: { "example.com/team": "chat" }, ...account } },
      disruption: { maxUnavailable: "50%" },
      rollout: { mode: "Supervised", progressDeadlineSeconds: 300, soakSeconds: 5 },
      network: { ipFamilyPolicy: "SingleStack", ipFamilies: ["IPv4"], dnsPorts: [53, 5353, 1053] },
      nats: { managed: { storage: { size: "3Gi" }, template: account } },
      redis: { managed: { template: account } },
      clickhouse: { managed: { storage: { size: "6Gi" }, template: account } },
    },
    // A supervised rollout would wait for a person.
    back: { deletionPolicy: "Retain", rollout: { mode: "Automatic" } },
    rolls: [],
  },
  {
    name: "the edge: limits, proxies, an Ingress, how long a drain lasts",
    patch: {
      connectors: {
        maxConnectionsPerPod: 4_000,
        limits: { socketsPerAddressMax: 5_000, connectionsPerAddressMax: 20_000, devicesPerUserMax: 50 },
        trustProxy: "no",
        ingress: {
          host: "chat.example.com",
          className: "nobody",
          annotations: { "example.com/timeout": "3600" },
          tlsSecret: "chat-tls",
        },
      },
      api: { limits: { signInsPerSecond: 50 }, trustProxy: "no" },
      drain: { deadlineSeconds: 6, maxReconnectsPerSecond: 100 },
    },
    rolls: ["connector", "api"],
  },
  {
    name: "an Ingress of another class, with other annotations",
    patch: {
      connectors: {
        ingress: { className: "somebody", annotations: { "example.com/timeout": "7200" }, tlsSecret: "tls" },
      },
    },
    rolls: [],
  },
  {
    name: "who signs in, what is traced, how long the log is",
    patch: {
      auth: { secret: OWN_KEYS, origins: ["https://chat.example.com"], peopleMustExist: null },
      observability: { otlp: { endpoint: "http://127.0.0.1:9" }, sampling: 0.05 },
      retention: { logHours: 7, logBytesPerPartition: 536_870_912 },
    },
    rolls: COMPONENTS,
  },
  {
    name: "pods of components another way",
    patch: of(SPEC_NAMES, { resources, template }),
    rolls: COMPONENTS,
  },
];

const fromElsewhere = ({ versions, pullPolicy, elsewhere }: ChangeNames): readonly Change[] => [
  {
    name: "another version, from another registry, pulled another way",
    patch: {
      version: versions[1],
      image: { registry: elsewhere.registry, pullPolicy, pullSecrets: [{ name: "nobody" }] },
    },
    rolls: PARTS,
  },
  {
    name: "backends from another image, their pods another way, and fsync by interval",
    patch: {
      nats: { managed: { image: elsewhere.nats, resources, template } },
      redis: { managed: { image: elsewhere.redis, resources, template } },
      clickhouse: {
        managed: {
          image: elsewhere.clickhouse,
          resources: { ...resources, limits: { memory: "2Gi" } },
          template,
        },
      },
      durability: { fsync: "interval" },
    },
    rolls: BACKENDS,
  },
];

/** Changes to one ChatCluster with managed backends, applied one after the other under load. */
export const changesOf = (names: ChangeNames): readonly Change[] => [...INSIDE, ...fromElsewhere(names)];

/** This change signs every user out, so it is tried while no load runs. */
export const SIGNING_OUT: Change = {
  name: "tokens of another issuer",
  patch: { auth: { issuer: "another", audience: "another" } },
  back: { auth: { issuer: "jichat", audience: "jichat" } },
  rolls: ["connector", "api"],
};

/** Changes to a ChatCluster with three NATS servers. */
export const OF_THREE: readonly Change[] = [
  { name: "three copies of every log", patch: { durability: { replicas: 3 } }, rolls: COMPONENTS },
  {
    name: "fsync by interval, server by server",
    patch: { durability: { fsync: "interval" } },
    rolls: ["nats"],
  },
  { name: "one copy again", patch: { durability: { replicas: 1 } }, rolls: COMPONENTS },
];

const ROTATION = "its scenario is that of certificates: devices of this load speak WebSocket without TLS";
const BACKEND_TLS =
  "no backend here speaks TLS; operator/test/backend-tls.test.ts has the Secrets, runtime/test the handshake";
const GATEWAY = "there is no Gateway API here; operator/test/others.test.ts has the route";
const PUSH_ROWS =
  "e2e/cluster/8-push.test.ts adds it, rolls it and takes it out; no provider of the internet can be reached";
const STAND_BACK = "e2e/cluster/2-operator.test.ts, scenarios 8a and 8b";

/** Rows of the table of transitions that no change here tries, each with the reason. */
export const NOT_HERE: Readonly<Record<string, string>> = {
  ...Object.fromEntries(
    Object.keys(TRANSITIONS)
      .filter((row) => row.startsWith("push."))
      .map((row) => [row, PUSH_ROWS]),
  ),
  paused: STAND_BACK,
  hibernate: STAND_BACK,
  "connectors.gateway.name": GATEWAY,
  "connectors.gateway.namespace": GATEWAY,
  "connectors.gateway.sectionName": GATEWAY,
  "connectors.gateway.host": GATEWAY,
  "connectors.tls.secret": ROTATION,
  "connectors.tls.host": ROTATION,
  "nats.external.tls.secret": BACKEND_TLS,
  "redis.external.tls.secret": BACKEND_TLS,
  "clickhouse.external.tls.secret": BACKEND_TLS,
  "clickhouse.embedded.storage.size":
    "the image with the engine in it is not brought here, and no class here grows",
  "auth.jwksUrl": "it takes another system that makes accounts and tokens; nobody is signed in by both",
  "auth.algorithm": "the tests' devices sign with Ed25519 keys: by another algorithm nobody is let in",
  "observability.podMonitor":
    "there is no Prometheus operator here; operator/test/others.test.ts has the monitor",
};

const at = (name: string, namespace: string): string => `${name}.${namespace}.svc`;

/** Changes to a ChatCluster with external NATS and ClickHouse, and a managed Redis. */
export const changesOutside = (namespace: string): readonly Change[] => [
  {
    name: "from a Redis that is run for us to one of our own",
    patch: {
      redis: {
        managed: null,
        external: { url: `redis://${at("own-redis", namespace)}:6379`, secret: "login-one" },
      },
    },
    rolls: ["connector", "router", "api", "redis"],
  },
  {
    name: "other addresses of the same data",
    patch: {
      nats: { external: { url: `nats://${at("own-nats-too", namespace)}:4222` } },
      redis: { external: { url: `redis://${at("own-redis-too", namespace)}:6379` } },
      clickhouse: { external: { url: `http://${at("own-clickhouse-too", namespace)}:8123` } },
    },
    rolls: COMPONENTS,
  },
  {
    name: "other logins",
    patch: of(BACKENDS, { external: { secret: "login-two" } }),
    rolls: COMPONENTS,
  },
];

type Leaf = readonly [path: string, value: unknown];

function leavesOf(value: unknown, path: string): readonly Leaf[] {
  if (Array.isArray(value) && typeof value[0] === "object") return leavesOf(value[0], path);
  if (typeof value !== "object" || value === null || Array.isArray(value)) return [[path, value]];
  return Object.entries(value).flatMap(([name, one]) =>
    leavesOf(one, path === "" ? name : `${path}.${name}`),
  );
}

/** The row of a field, or of its nearest ancestor with a row. */
function rowAbove(leaf: string): string | undefined {
  const parts = leaf.split(".");
  const above = parts.map((_, index) => parts.slice(0, parts.length - index).join("."));
  return above.find((path) => path in TRANSITIONS) ?? rowOf(leaf);
}

/**
 * The rows of the table of transitions that a patch tries. A field that the patch removes as a whole has no
 * row.
 */
export function rowsIn(patch: object): readonly string[] {
  const rows = leavesOf(patch, "").flatMap(([path, value]) => {
    const row = rowAbove(path);
    if (row === undefined && value !== null)
      throw new Error(`the table of transitions has no row for ${path}`);
    return row === undefined ? [] : [row];
  });
  return [...new Set(rows)];
}
