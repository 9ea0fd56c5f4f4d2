import type { KubeObject } from "../kube/object.ts";
import {
  configMaps,
  dataClaim,
  disruptionBudgets,
  keysSecret,
  podMonitors,
  secrets,
  serviceAccounts,
  ways,
} from "./around.ts";
import { clickhouseServer, redisServer } from "./caches.ts";
import type { Role } from "./names.ts";
import { natsServers } from "./nats.ts";
import { networkPolicies } from "./network.ts";
import { services } from "./services.ts";
import type { Wish } from "./wish.ts";
import { deployment, migrationJob } from "./workloads.ts";

const present = <T>(items: readonly (T | undefined)[]): T[] => items.filter((item) => item !== undefined);

/** Whatever a ChatCluster has pods of. */
export function rolesOf({ cluster: { spec } }: Wish): readonly Role[] {
  return present<Role>([
    "connector",
    "router",
    "storage",
    "api",
    spec.nats.managed && "nats",
    spec.redis.managed && "redis",
    spec.clickhouse.managed && "clickhouse",
    spec.clickhouse.embedded ? undefined : "migrate",
  ]);
}

/** What may stand before anything runs: names, doors, settings and secrets. */
export function groundworkOf(wish: Wish): readonly KubeObject[] {
  const roles = rolesOf(wish);
  return [
    keysSecret(wish),
    ...secrets(wish),
    ...configMaps(wish),
    ...serviceAccounts(wish, roles),
    ...services(wish),
    ...networkPolicies(wish, roles),
    ...disruptionBudgets(
      wish,
      roles.filter((role) => role !== "migrate"),
    ),
    ...ways(wish),
    ...podMonitors(wish),
    ...present([dataClaim(wish)]),
  ];
}

export const serversOf = (wish: Wish): readonly KubeObject[] =>
  present<KubeObject>([natsServers(wish), redisServer(wish), clickhouseServer(wish)]);

export const migrationOf = (wish: Wish): readonly KubeObject[] => present([migrationJob(wish)]);

/** The components, with the current revision of connectors. */
export const componentsOf = (wish: Wish, connectors: KubeObject): readonly KubeObject[] => [
  deployment(wish, "storage"),
  deployment(wish, "router"),
  connectors,
  deployment(wish, "api"),
];
