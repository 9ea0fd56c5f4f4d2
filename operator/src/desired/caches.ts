import { hash } from "node:crypto";
import type { KubeObject } from "../kube/object.ts";
import { credentialsOf } from "./keys.ts";
import { PORTS, clusterNameOf, metaOf, objectName, selectorOf } from "./names.ts";
import { httpProbe, podTemplate, resourcesOf } from "./pods.ts";
import type { ServerSet } from "./server-set.ts";
import { serverSet } from "./server-set.ts";
import { usersIn, withoutUsers } from "./users.ts";
import type { DesiredInput } from "./desired-input.ts";
import { namesOf } from "@jichat/protocol/bus/names.ts";

const sha256 = (text: string): string => hash("sha256", text, "hex");

/**
 * Redis's users with their rules: each user has its own keys, and only the commands that our scripts call.
 * The operator checks that Redis is up, and that these users and no others are accepted.
 */
export function redisUsers({
  cluster,
  keys,
}: Pick<DesiredInput, "cluster" | "keys">): ReadonlyMap<string, string> {
  const prefix = clusterNameOf(cluster);
  return new Map(
    credentialsOf(keys, "redis", usersIn(cluster, "redis")).map(({ as, user, password }) => {
      const may =
        as === "operator"
          ? "resetkeys -@all +ping +info +acl|users +acl|setuser +acl|deluser"
          : `resetkeys ~${prefix}:* -@all +@read +@write +@transaction +@scripting +@connection +info +ping +time -@dangerous -keys +info`;
      return [user, `on resetchannels ${may} #${sha256(password)}`];
    }),
  );
}

/** The users with which Redis starts. */
export const redisAcl = (input: Pick<DesiredInput, "cluster" | "keys">): string =>
  ["user default off", ...[...redisUsers(input)].map(([user, rules]) => `user ${user} ${rules}`), ""].join(
    "\n",
  );

/** Redis is a cache, so it persists nothing. */
export const REDIS_CONFIG = [
  `port ${PORTS.redis}`,
  "bind * -::*", // Both families. A host without IPv6 uses only the other one.
  "protected-mode no",
  'save ""',
  "appendonly no",
  "aclfile /etc/redis/users.acl",
  "maxmemory-policy noeviction",
  "dir /tmp",
  "",
].join("\n");

type RedisServer = KubeObject & { readonly spec: object };

/** The managed Redis; undefined if Redis is external. */
export function redisServer(input: DesiredInput): RedisServer | undefined {
  const { cluster } = input;
  const { managed } = cluster.spec.redis;
  if (managed === undefined) return undefined;
  return {
    apiVersion: "apps/v1",
    kind: "Deployment",
    metadata: metaOf(cluster, "redis"),
    spec: {
      replicas: cluster.spec.hibernate ? 0 : 1,
      selector: { matchLabels: selectorOf(cluster, "redis") },
      strategy: { type: "Recreate" }, // Two at once would each know half of who is online.
      revisionHistoryLimit: 3,
      template: podTemplate(input, {
        role: "redis",
        containers: [
          {
            name: "redis",
            image: managed.image,
            imagePullPolicy: cluster.spec.image.pullPolicy,
            command: ["redis-server", "/etc/redis/redis.conf"],
            ports: [{ name: "redis", containerPort: PORTS.redis }],
            resources: resourcesOf(managed.resources, { cpu: "20m", memory: "64Mi" }),
            readinessProbe: { tcpSocket: { port: "redis" }, periodSeconds: 2, failureThreshold: 1 },
            livenessProbe: { tcpSocket: { port: "redis" }, periodSeconds: 5, failureThreshold: 3 },
            volumeMounts: [
              { name: "config", mountPath: "/etc/redis", readOnly: true },
              { name: "tmp", mountPath: "/tmp" },
            ],
          },
        ],
        volumes: [
          { name: "config", secret: { secretName: objectName(cluster, "redis"), defaultMode: 0o440 } },
          { name: "tmp", emptyDir: { sizeLimit: "64Mi" } },
        ],
        graceSeconds: 5,
        config: [redisAcl(withoutUsers(input)), REDIS_CONFIG, input.keys.origin],
      }),
    },
  };
}

/** ClickHouse's users: one writes and reads rows, the other makes tables. Neither sees another database. */
export function clickhouseUsers({ cluster, keys }: DesiredInput): string {
  const { database } = namesOf(clusterNameOf(cluster));
  const grants = {
    storage: [`GRANT SELECT, INSERT, ALTER DELETE, OPTIMIZE ON ${database}.*`],
    migrate: [`GRANT ALL ON ${database}.*`],
  };
  const users = credentialsOf(keys, "clickhouse", usersIn(cluster, "clickhouse")).flatMap(
    ({ as, user, password }) => {
      if (as !== "storage" && as !== "migrate") return [];
      return [
        `    <${user}>`,
        `      <password_sha256_hex>${sha256(password)}</password_sha256_hex>`,
        `      <networks><ip>::/0</ip></networks>`,
        `      <profile>default</profile>`,
        `      <quota>default</quota>`,
        `      <grants>${grants[as].map((query) => `<query>${query}</query>`).join("")}</grants>`,
        `    </${user}>`,
      ];
    },
  );
  return [
    "<clickhouse>",
    "  <users>",
    `    <default remove="remove"/>`,
    ...users,
    "  </users>",
    "</clickhouse>",
    "",
  ].join("\n");
}

/** The managed ClickHouse; undefined if it is external or embedded. */
export function clickhouseServer(input: DesiredInput): ServerSet | undefined {
  const { cluster } = input;
  const { managed } = cluster.spec.clickhouse;
  if (managed === undefined) return undefined;
  return serverSet(input, "clickhouse", {
    replicas: 1,
    serviceName: objectName(cluster, "clickhouse"),
    storage: managed.storage,
    containers: [
      {
        name: "clickhouse",
        image: managed.image,
        imagePullPolicy: cluster.spec.image.pullPolicy,
        ports: [{ name: "http", containerPort: PORTS.clickhouse }],
        resources: resourcesOf(managed.resources, { cpu: "100m", memory: "512Mi" }),
        startupProbe: httpProbe("/ping", "http", 90),
        livenessProbe: httpProbe("/ping", "http", 3, 10),
        readinessProbe: httpProbe("/ping", "http", 1, 2),
        volumeMounts: [
          { name: "users", mountPath: "/etc/clickhouse-server/users.d", readOnly: true },
          { name: "data", mountPath: "/var/lib/clickhouse" },
          { name: "logs", mountPath: "/var/log/clickhouse-server" },
          { name: "tmp", mountPath: "/tmp" },
        ],
      },
    ],
    volumes: [
      { name: "users", secret: { secretName: objectName(cluster, "clickhouse"), defaultMode: 0o440 } },
      { name: "logs", emptyDir: { sizeLimit: "1Gi" } },
      { name: "tmp", emptyDir: { sizeLimit: "1Gi" } },
    ],
    graceSeconds: 60,
    config: [clickhouseUsers(withoutUsers(input)), input.keys.origin],
  });
}
