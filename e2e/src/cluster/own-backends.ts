import { hash } from "node:crypto";
import { LAB, apply, kubectl } from "./kubectl.ts";

/** External backends, each with two logins with the same rights, and with two names. */
const LOGINS = ["one", "two"] as const;
const passwordOf = (user: string): string => `password-of-${user}`;

const FILES: Readonly<Record<string, string>> = {
  "nats.conf": [
    "port: 4222",
    "http_port: 8222",
    'jetstream { store_dir: "/data" }',
    "accounts { CHAT { jetstream: enabled, users: [",
    ...LOGINS.map((user) => `  { user: ${user}, password: ${passwordOf(user)} }`),
    "] } }",
    "",
  ].join("\n"),
  "redis.conf": [
    "port 6379",
    "bind * -::*",
    "protected-mode no",
    'save ""',
    "user default off",
    ...LOGINS.map((user) => `user ${user} on >${passwordOf(user)} ~* &* +@all`),
    "dir /tmp",
    "",
  ].join("\n"),
  "users.xml": [
    "<clickhouse><users>",
    ...LOGINS.map(
      (user) =>
        `<${user}><password_sha256_hex>${hash("sha256", passwordOf(user), "hex")}</password_sha256_hex></${user}>`,
    ),
    "</users></clickhouse>",
    "",
  ].join("\n"),
};

interface Server {
  readonly name: "nats" | "redis" | "clickhouse";
  readonly port: number;
  readonly args?: readonly string[];
  /** The folder of its configuration files. */
  readonly config: string;
  readonly folders: readonly string[];
}

const SERVERS: readonly Server[] = [
  { name: "nats", port: 4222, args: ["-c", "/config/nats.conf"], config: "/config", folders: ["/data"] },
  { name: "redis", port: 6379, args: ["/config/redis.conf"], config: "/config", folders: ["/tmp"] },
  {
    name: "clickhouse",
    port: 8123,
    config: "/etc/clickhouse-server/users.d",
    folders: ["/var/lib/clickhouse", "/tmp"],
  },
];

const LABEL = "example.com/own";

function objectsOf({ name, port, args = [], config, folders }: Server): readonly object[] {
  const labels = { [LABEL]: name };
  const volume = (at: number): string => `folder-${at}`;
  const container = {
    name,
    image: LAB.backends[name],
    args,
    ports: [{ containerPort: port }],
    readinessProbe: { tcpSocket: { port }, periodSeconds: 1 },
    securityContext: { allowPrivilegeEscalation: false, capabilities: { drop: ["ALL"] } },
    volumeMounts: [
      { name: "config", mountPath: config },
      ...folders.map((mountPath, at) => ({ name: volume(at), mountPath })),
    ],
  };
  const securityContext = {
    runAsNonRoot: true,
    runAsUser: 65_532,
    fsGroup: 65_532,
    seccompProfile: { type: "RuntimeDefault" },
  };
  const volumes = [
    { name: "config", configMap: { name: "own-backends" } },
    ...folders.map((_, at) => ({ name: volume(at), emptyDir: {} })),
  ];
  return [
    {
      apiVersion: "apps/v1",
      kind: "Deployment",
      metadata: { name: `own-${name}`, labels },
      spec: {
        selector: { matchLabels: labels },
        strategy: { type: "Recreate" },
        template: { metadata: { labels }, spec: { containers: [container], securityContext, volumes } },
      },
    },
    ...[`own-${name}`, `own-${name}-too`].map((service) => ({
      apiVersion: "v1",
      kind: "Service",
      metadata: { name: service, labels },
      spec: { selector: labels, ports: [{ port }] },
    })),
  ];
}

const labelled = { [LABEL]: "login" };

/** Starts the backends in a namespace, with the Secrets `login-one` and `login-two`. */
export async function raiseBackends(namespace: string): Promise<void> {
  const objects = [
    {
      apiVersion: "v1",
      kind: "ConfigMap",
      metadata: { name: "own-backends", labels: labelled },
      data: FILES,
    },
    ...LOGINS.map((user) => ({
      apiVersion: "v1",
      kind: "Secret",
      metadata: { name: `login-${user}`, labels: labelled },
      stringData: { username: user, password: passwordOf(user) },
    })),
    ...SERVERS.flatMap(objectsOf),
  ];
  const items = objects.map((object) => ({ ...object, metadata: { ...metadataOf(object), namespace } }));
  await apply({ apiVersion: "v1", kind: "List", items });
  for (const { name } of SERVERS)
    await kubectl(["-n", namespace, "rollout", "status", `deployment/own-${name}`, "--timeout=90s"]);
}

const metadataOf = (object: object): object => (object as { readonly metadata: object }).metadata;

export async function takeBackends(namespace: string): Promise<void> {
  await kubectl(["-n", namespace, "delete", "deployment,service,configmap,secret", "-l", LABEL]);
}

/** The spec of a ChatCluster on these backends, except for Redis. */
export const onOwnBackends = (namespace: string): object => ({
  nats: { external: { url: `nats://own-nats.${namespace}.svc:4222`, secret: "login-one" } },
  clickhouse: { external: { url: `http://own-clickhouse.${namespace}.svc:8123`, secret: "login-one" } },
});
