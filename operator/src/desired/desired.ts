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
} from "./resources.ts";
import { clickhouseServer, redisServer } from "./caches.ts";
import type { Role } from "./names.ts";
import { natsServers } from "./nats.ts";
import { networkPolicies } from "./network.ts";
import { services } from "./services.ts";
import type { DesiredInput } from "./desired-input.ts";
import { deployment, migrationJob } from "./workloads.ts";

const present = <T>(items: readonly (T | undefined)[]): T[] => items.filter((item) => item !== undefined);

/** A canary comes and goes with rollouts. */
type LastingRole = Exclude<Role, "canary">;

/** Every role for which a ChatCluster has pods, apart from canaries. */
export function rolesOf({ cluster: { spec } }: DesiredInput): readonly LastingRole[] {
  return present<LastingRole>([
    "connector",
    "router",
    "storage",
    "api",
    spec.push && "push",
    spec.nats.managed && "nats",
    spec.redis.managed && "redis",
    spec.clickhouse.managed && "clickhouse",
    spec.clickhouse.embedded ? undefined : "migrate",
  ]);
}

/** The objects that may exist before anything runs: names, Services, settings and secrets. */
export function groundworkOf(input: DesiredInput): readonly KubeObject[] {
  const roles = rolesOf(input);
  return [
    keysSecret(input),
    ...secrets(input),
    ...configMaps(input),
    ...serviceAccounts(input, roles),
    ...services(input),
    ...networkPolicies(input, [...roles, "canary"]),
    ...disruptionBudgets(
      input,
      roles.filter((role) => role !== "migrate"),
    ),
    ...ways(input),
    ...podMonitors(input),
    ...present([dataClaim(input)]),
  ];
}

/** The servers of all managed backends. */
export const serversOf = (input: DesiredInput): readonly KubeObject[] =>
  present<KubeObject>([natsServers(input), redisServer(input), clickhouseServer(input)]);

/** The Job that migrates ClickHouse's schema; empty with the embedded engine. */
export const migrationOf = (input: DesiredInput): readonly KubeObject[] => present([migrationJob(input)]);

/** The components, with the present revision of connectors. */
export const componentsOf = (input: DesiredInput, connectors: KubeObject): readonly KubeObject[] => [
  deployment(input, "storage"),
  deployment(input, "router"),
  connectors,
  deployment(input, "api"),
  ...(input.cluster.spec.push === undefined ? [] : [deployment(input, "push")]),
];
