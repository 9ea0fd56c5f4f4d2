import type { RefusalName } from "./refusals.ts";

/** The effect of changing a field. */
export interface Transition {
  /**
   * `live`: no pod restarts. `rolled`: pods are drained and replaced. `refused`: refused at apply, with the
   * cure.
   */
  readonly does: "live" | "rolled" | "refused";
  readonly how: string;
  /** The rules that refuse all changes of the field, or some of them. */
  readonly refuses?: readonly RefusalName[];
}

const live = (how: string): Transition => ({ does: "live", how });
const rolled = (how: string): Transition => ({ does: "rolled", how });
const refused = (how: string, ...refuses: readonly RefusalName[]): Transition => ({
  does: "refused",
  how,
  refuses,
});

const EDGES = "a new revision of connectors beside the old one, which drains";
const ROLLING = "pods are replaced one by one";
const ACCOUNT = "the ServiceAccount is changed; pods see it when they start";
const PUSH_FILES = "running workers take over the new credentials";
const RESTART = "Redis restarts; sessions register again";

const under = (path: string, fields: Readonly<Record<string, Transition>>) =>
  Object.fromEntries(Object.entries(fields).map(([name, change]) => [`${path}.${name}`, change]));

/** The fields of a template that are in the pods, without those of the ServiceAccount. */
const template = (how: string): Readonly<Record<string, Transition>> => ({
  "resources.requests": rolled(how),
  "resources.limits": rolled(how),
  "template.*": rolled(how),
  "template.serviceAccount.annotations": live(ACCOUNT),
});

const pods = (path: string, how: string) =>
  under(path, { replicas: live("pods are added, or drained and removed"), ...template(how) });

const servers = (path: string, how: string) => under(path, { ...template(how), image: rolled(how) });

const PORT = "the Service is changed; if Kubernetes chose the node port, it chooses another one";

const service = (path: string, port: string) =>
  under(`${path}.service`, {
    "*": live("the Service is changed"),
    port: live(port),
    loadBalancerClass: refused("a balancer stays with its provider: set `type` to ClusterIP first"),
  });

const JOB = "another Job brings the schema up";

const volume = (path: string) =>
  under(`${path}.storage`, {
    size: {
      does: "live",
      how: "the volume grows if its class has `allowVolumeExpansion`; a smaller size is refused",
      refuses: ["volumeSize"],
    },
    className: refused("a volume cannot change its class", "volumeClass"),
  });

const MOVES = "of the same data; if streams are missing there, the condition is `LogLost` and nothing starts";

/**
 * Every field of the spec. `.*` stands for all fields below that have no row of their own. A field that is
 * missing here fails the test, since the effect of its change is not stated.
 */
export const TRANSITIONS: Readonly<Record<string, Transition>> = {
  version: rolled(
    "the schema first, then all components; if an image cannot be pulled, the old version goes on",
  ),
  "image.registry": rolled("as `version`"),
  "image.pullPolicy": rolled("all pods"),
  "image.pullSecrets.name": rolled("all pods"),
  paused: live("nothing is changed until it is false again"),
  hibernate: rolled("all pods are removed, backends last, and started again later; data stays"),
  deletionPolicy: live("counts when the ChatCluster is deleted"),
  ...pods("connectors", EDGES),
  ...under("connectors", {
    "autoscaling.*": live("the next decision goes by it; without the field `replicas` counts again"),
    maxConnectionsPerPod: rolled(EDGES),
    "limits.*": rolled(EDGES),
    trustProxy: rolled(`${EDGES}; the api too, if it has no value of its own`),
    "ingress.host": rolled("the Ingress is changed; the api is rolled with the new URL"),
    "ingress.className": live("the Ingress is changed"),
    "ingress.annotations": live("the Ingress is changed"),
    "ingress.tlsSecret": live(
      "the Ingress is changed; if the field is added or removed, the api is rolled with the new URL",
    ),
    "gateway.name": live("the route is changed"),
    "gateway.namespace": live("the route is changed"),
    "gateway.sectionName": live("the route is changed"),
    "gateway.host": rolled("the route is changed; the api is rolled with the new URL"),
    "tls.secret": live("connectors take over the certificate in the Secret; no socket is closed"),
    "tls.host": rolled("the api, with the new URL"),
  }),
  ...service("connectors", `${PORT}; with \`tls.host\` the api is rolled with the new URL`),
  ...pods("routers", `${ROLLING}; partitions are handed over`),
  "routers.autoscaling.*": live("the next decision goes by it; without the field `replicas` counts again"),
  ...pods("storage", `${ROLLING}; partitions are handed over`),
  "storage.template.*": rolled(
    `${ROLLING}; partitions are handed over. Without a \`migration.template\` ${JOB}`,
  ),
  ...pods("api", ROLLING),
  ...under("api", { "limits.*": rolled(ROLLING), trustProxy: rolled(ROLLING) }),
  ...service("api", `${PORT}; the route is changed too`),
  ...pods("push", `${ROLLING}; partitions are handed over`),
  ...under("push", {
    "webPush.subject": live(PUSH_FILES),
    "fcm.secretRef.name": live(PUSH_FILES),
    "fcm.secretRef.key": live(PUSH_FILES),
    "apns.*": live(PUSH_FILES),
    "webhook.url": live("running workers take over the new address"),
    "webhook.secretRef.name": live(PUSH_FILES),
    "webhook.secretRef.key": live(PUSH_FILES),
    previews: rolled(ROLLING),
    mentionsOnlyAbove: rolled(ROLLING),
    allowedAddresses: rolled(`${ROLLING}; the NetworkPolicy is changed too`),
    "templates.configMapRef.name": rolled(
      `${ROLLING}, with the content of the ConfigMap, also when that changes`,
    ),
  }),
  "migration.*": live(JOB),
  "migration.template.serviceAccount.annotations": live(ACCOUNT),
  partitions: refused("every conversation has its place by this number", "partitions"),
  "durability.replicas": rolled("JetStream makes copies or drops them; then all components"),
  "durability.fsync": rolled("NATS servers restart one by one; with an external NATS it is only reported"),
  "drain.deadlineSeconds": rolled(EDGES),
  "drain.maxReconnectsPerSecond": rolled(EDGES),
  "rollout.mode": live("a rollout that waits goes on, or the next one waits for a person"),
  "rollout.progressDeadlineSeconds": live("it counts for a rollout that is under way"),
  "rollout.soakSeconds": live("it counts for a rollout that is under way"),
  "disruption.maxUnavailable": live("the PodDisruptionBudgets are changed"),
  "network.ipFamilyPolicy": live("all Services are changed"),
  "network.ipFamilies": live(
    "all Services get or lose their second address; another first family is refused",
  ),
  "network.dnsPorts": live("the NetworkPolicies are changed"),
  "nats.external.url": {
    does: "rolled",
    how: `all components, to another address ${MOVES}`,
    refuses: ["nats"],
  },
  "nats.external.secret": rolled("all components, with the new login"),
  "nats.external.tls.secret": rolled("all components, with the content of the Secret"),
  "nats.managed.replicas": refused(
    "a server that joins or leaves a cluster drops its logs",
    "natsServers",
    "nats",
  ),
  ...volume("nats.managed"),
  ...servers("nats.managed", "NATS servers restart one by one; a single server is away for seconds"),
  "redis.external.url": rolled(
    "all components except storage, also after a change from managed; sessions register again",
  ),
  "redis.external.secret": rolled("all components except storage, with the new login"),
  "redis.external.tls.secret": rolled("all components except storage, with the content of the Secret"),
  ...servers("redis.managed", RESTART),
  "clickhouse.external.url": {
    does: "rolled",
    how: `storage, to another address of the same data; ${JOB}`,
    refuses: ["clickhouse"],
  },
  "clickhouse.external.secret": rolled("storage, with the new login"),
  "clickhouse.external.tls.secret": rolled("storage, with the content of the Secret"),
  ...volume("clickhouse.managed"),
  ...servers("clickhouse.managed", "ClickHouse restarts; the log keeps new data meanwhile"),
  ...volume("clickhouse.embedded"),
  "auth.jwksUrl": rolled("connectors and api; JiChat's own accounts stay, but are not used"),
  "auth.secret": live(
    "connectors and api take over the keys in the Secret; tokens of removed keys are refused",
  ),
  "auth.issuer": rolled("connectors and api; tokens with the old value are refused"),
  "auth.audience": rolled("connectors and api; tokens with the old value are refused"),
  "auth.algorithm": rolled("connectors and api; tokens with the old value are refused"),
  "auth.peopleMustExist": rolled("connectors and api"),
  "auth.origins": rolled("connectors and api"),
  "observability.otlp.endpoint": rolled("all components"),
  "observability.sampling": rolled("all components"),
  "observability.podMonitor": live("the PodMonitor is made or deleted"),
  "retention.logHours": rolled("storage; only data that ClickHouse has leaves the log"),
  "retention.logBytesPerPartition": rolled(
    "JetStream's limit at once, then components; if a log holds more than the new limit, clients are told BUSY until it is trimmed",
  ),
};

/** The row that describes a change of the field at `path`. */
export function rowOf(path: string): string | undefined {
  if (path in TRANSITIONS) return path;
  const parts = path.split(".");
  const above = parts.map((_, at) => [...parts.slice(0, at), "*"].join(".")).reverse();
  return above.find((row) => row in TRANSITIONS);
}
