import type { V1EnvVar } from "@kubernetes/client-node";
import { inboxOf } from "@jichat/protocol/bus/names.ts";
import { quantityOf } from "../kube/apply.ts";
import type { Credential } from "./keys.ts";
import { credentialsOf } from "./keys.ts";
import { PORTS, clusterNameOf, objectName } from "./names.ts";
import type { Permissions } from "./nats-permissions.ts";
import { SYSTEM, natsPermissions } from "./nats-permissions.ts";
import { httpProbe, resourcesOf } from "./pods.ts";
import type { ServerSet } from "./server-set.ts";
import { serverSet } from "./server-set.ts";
import { usersIn, usersPrint, withoutUsers } from "./users.ts";
import type { DesiredInput } from "./desired-input.ts";

const quoted = (subjects: readonly string[]): string =>
  subjects.map((subject) => JSON.stringify(subject)).join(", ");

function userLines({ user, password }: Credential, { publish, subscribe }: Permissions): readonly string[] {
  return [
    `    { user: ${JSON.stringify(user)}, password: ${JSON.stringify(password)}, permissions: {`,
    `      publish: [${quoted(publish)}]`,
    `      subscribe: [${quoted([`${inboxOf(user)}.>`, ...subscribe])}]`,
    `    } }`,
  ];
}

/** The tag by which a server shows that it has loaded exactly these users. */
export const usersTag = (input: Pick<DesiredInput, "cluster" | "keys">): string =>
  `users:${usersPrint(input, "nats")}`;

/** nats-server's configuration: JetStream, a login per component, and routes where there are three. */
export function natsConfig(input: DesiredInput): string {
  const { cluster, keys } = input;
  const { managed } = cluster.spec.nats;
  const permissions = natsPermissions(clusterNameOf(cluster), cluster.spec.partitions);
  const users = credentialsOf(keys, "nats", usersIn(cluster, "nats")).flatMap(({ as, ...credential }) =>
    as === "migrate" || as === "system" ? [] : userLines(credential, permissions[as]),
  );
  const system = credentialsOf(keys, "nats", ["system"]).flatMap((credential) =>
    userLines(credential, SYSTEM),
  );
  const name = objectName(cluster, "nats");
  const replicas = managed?.replicas ?? 1;
  const routes = Array.from(
    { length: replicas },
    (_, i) => `nats://${name}-${i}.${name}-routes:${PORTS.natsRoutes}`,
  );
  return [
    `server_name: $POD_NAME`,
    `server_tags: [${JSON.stringify(usersTag(input))}]`,
    `port: ${PORTS.nats}`,
    `http_port: 8222`,
    `jetstream {`,
    `  store_dir: "/data"`,
    // One fsync per JetStream message, which is a whole batch, so it is cheap. Without it, a power cut loses
    // acknowledged messages.
    ...(cluster.spec.durability.fsync === "always" ? [`  sync_interval: always`] : []),
    `}`,
    ...(replicas > 1
      ? [
          `cluster {`,
          `  name: ${JSON.stringify(name)}`,
          `  port: ${PORTS.natsRoutes}`,
          `  routes: [${quoted(routes)}]`,
          // A cut route is detected within nine seconds instead of a minute. It is restored within a second
          // after the network heals, instead of at TCP's next retry.
          `  ping_interval: 3s`,
          `  ping_max: 2`,
          `}`,
        ]
      : []),
    `accounts {`,
    `  CHAT {`,
    `    jetstream: enabled`,
    `    users: [`,
    ...users,
    `    ]`,
    `  }`,
    // The system account, which servers always have. Another account could not be added while they run.
    `  $SYS { users: [`,
    ...system,
    `  ] }`,
    `}`,
    ``,
  ].join("\n");
}

/**
 * nats-server is written in Go, whose collector lets the heap grow by a share before it collects. Near this
 * limit it collects sooner, so that the kernel does not kill the pod. The rest of `limit` is for memory
 * outside the heap.
 */
function memoryLimitOf(limit: string | number | undefined): V1EnvVar[] {
  const bytes = quantityOf(limit);
  return bytes === undefined ? [] : [{ name: "GOMEMLIMIT", value: String(Math.floor(0.9 * bytes)) }];
}

/** The managed nats-servers; undefined if NATS is external. */
export function natsServers(input: DesiredInput): ServerSet | undefined {
  const { cluster } = input;
  const { managed } = cluster.spec.nats;
  if (managed === undefined) return undefined;
  const name = objectName(cluster, "nats");
  return serverSet(input, "nats", {
    replicas: managed.replicas,
    podManagementPolicy: "Parallel",
    // A pod that is Ready may lack what was appended meanwhile, and Kubernetes would go on to the next.
    isRolledByUs: managed.replicas > 1,
    serviceName: `${name}-routes`,
    storage: managed.storage,
    containers: [
      {
        name: "nats",
        image: managed.image,
        imagePullPolicy: cluster.spec.image.pullPolicy,
        args: ["--config", "/etc/nats/nats.conf"],
        env: [
          { name: "POD_NAME", valueFrom: { fieldRef: { fieldPath: "metadata.name" } } },
          // Half the memory of Go's default 100, at no measurable CPU cost (ADR 0012).
          { name: "GOGC", value: "25" },
          ...memoryLimitOf(managed.resources?.limits?.["memory"]),
        ],
        ports: [
          { name: "client", containerPort: PORTS.nats },
          { name: "routes", containerPort: PORTS.natsRoutes },
          { name: "monitor", containerPort: 8222 },
        ],
        resources: resourcesOf(managed.resources, { cpu: "50m", memory: "128Mi" }),
        startupProbe: httpProbe("/healthz?js-server-only=true", "monitor", 90),
        // A full disk disables JetStream, and only a restart enables it again.
        livenessProbe: httpProbe("/healthz?js-enabled-only=true", "monitor", 3, 10),
        readinessProbe: httpProbe("/healthz?js-enabled-only=true", "monitor", 1, 2),
        volumeMounts: [
          { name: "config", mountPath: "/etc/nats", readOnly: true },
          { name: "data", mountPath: "/data" },
        ],
      },
    ],
    volumes: [{ name: "config", secret: { secretName: name, defaultMode: 0o440 } }],
    graceSeconds: 30,
    config: [natsConfig(withoutUsers(input)), input.keys.origin],
  });
}
