import type { V1StatefulSetSpec, V1StatefulSetStatus } from "@kubernetes/client-node";
import type { KubeObject } from "../kube/object.ts";
import { credentialsOf } from "./keys.ts";
import { PORTS, clusterNameOf, labelsOf, metaOf, objectName, selectorOf } from "./names.ts";
import { natsPermissions } from "./nats-permissions.ts";
import type { PodTemplate } from "./pods.ts";
import { httpProbe, podTemplate, resourcesOf } from "./pods.ts";
import type { Wish } from "./wish.ts";

const quoted = (subjects: readonly string[]): string =>
  subjects.map((subject) => JSON.stringify(subject)).join(", ");

/** nats-server's configuration: JetStream, a login per component, and routes where there are three. */
export function natsConfig(wish: Wish): string {
  const { cluster, keys } = wish;
  const { managed } = cluster.spec.nats;
  const permissions = natsPermissions(clusterNameOf(cluster), cluster.spec.partitions);
  const users = credentialsOf(keys, "nats").flatMap(({ as, user, password }) => {
    if (as === "migrate") return [];
    const { publish, subscribe } = permissions[as];
    return [
      `    { user: ${JSON.stringify(user)}, password: ${JSON.stringify(password)}, permissions: {`,
      `      publish: [${quoted(publish)}]`,
      `      subscribe: [${quoted(subscribe)}]`,
      `    } }`,
    ];
  });
  const name = objectName(cluster, "nats");
  const replicas = managed?.replicas ?? 1;
  const routes = Array.from(
    { length: replicas },
    (_, i) => `nats://${name}-${i}.${name}-routes:${PORTS.natsRoutes}`,
  );
  return [
    `server_name: $POD_NAME`,
    `port: ${PORTS.nats}`,
    `http_port: 8222`,
    `jetstream {`,
    `  store_dir: "/data"`,
    // One fsync per JetStream message: a batch, so it is cheap; without it a power cut loses what was
    // acknowledged.
    ...(cluster.spec.durability.fsync === "always" ? [`  sync_interval: always`] : []),
    `}`,
    ...(replicas > 1
      ? [
          `cluster {`,
          `  name: ${JSON.stringify(name)}`,
          `  port: ${PORTS.natsRoutes}`,
          `  routes: [${quoted(routes)}]`,
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
    `}`,
    ``,
  ].join("\n");
}

export interface ServerSet extends KubeObject {
  readonly spec: Omit<V1StatefulSetSpec, "template"> & { readonly template: PodTemplate };
  readonly status?: V1StatefulSetStatus;
}

export function natsServers(wish: Wish): ServerSet | undefined {
  const { cluster } = wish;
  const { managed } = cluster.spec.nats;
  if (managed === undefined) return undefined;
  const name = objectName(cluster, "nats");
  return {
    apiVersion: "apps/v1",
    kind: "StatefulSet",
    metadata: metaOf(cluster, "nats"),
    spec: {
      serviceName: `${name}-routes`,
      replicas: cluster.spec.hibernate ? 0 : managed.replicas,
      podManagementPolicy: "Parallel",
      selector: { matchLabels: selectorOf(cluster, "nats") },
      persistentVolumeClaimRetentionPolicy: { whenDeleted: "Retain", whenScaled: "Retain" },
      template: podTemplate(wish, {
        role: "nats",
        containers: [
          {
            name: "nats",
            image: managed.image,
            imagePullPolicy: cluster.spec.image.pullPolicy,
            args: ["--config", "/etc/nats/nats.conf"],
            env: [{ name: "POD_NAME", valueFrom: { fieldRef: { fieldPath: "metadata.name" } } }],
            ports: [
              { name: "client", containerPort: PORTS.nats },
              { name: "routes", containerPort: PORTS.natsRoutes },
              { name: "monitor", containerPort: 8222 },
            ],
            resources: resourcesOf(managed.resources, { cpu: "50m", memory: "128Mi" }),
            startupProbe: httpProbe("/healthz?js-server-only=true", "monitor", 90),
            livenessProbe: httpProbe("/healthz?js-server-only=true", "monitor", 3, 10),
            readinessProbe: httpProbe("/healthz?js-enabled-only=true", "monitor", 1, 2),
            volumeMounts: [
              { name: "config", mountPath: "/etc/nats", readOnly: true },
              { name: "data", mountPath: "/data" },
            ],
          },
        ],
        volumes: [{ name: "config", secret: { secretName: name, defaultMode: 0o440 } }],
        template: undefined,
        graceSeconds: 30,
        config: natsConfig(wish),
      }),
      volumeClaimTemplates: [claimTemplate(wish, "nats", managed.storage)],
    },
  };
}

/** What a StatefulSet makes volumes of. Immutable there: the spec's size counts when it is made. */
export const claimTemplate = (
  { cluster }: Wish,
  role: string,
  { size, className }: { size: string | number; className?: string },
) => ({
  metadata: { name: "data", labels: labelsOf(cluster, role) },
  spec: {
    accessModes: ["ReadWriteOnce"],
    resources: { requests: { storage: String(size) } },
    ...(className === undefined ? {} : { storageClassName: className }),
  },
});
