import type { StatusFacts } from "./status-facts.ts";
import type { ComponentCounts } from "./component-counts.ts";
import { countsOf, tell } from "./component-counts.ts";
import type { ChatCluster } from "./crd/definition.ts";
import type { ChatClusterStatus, ConditionType, Counts } from "./crd/status.ts";
import { CONDITIONS } from "./crd/status.ts";
import type { Component } from "./desired/names.ts";
import { LABELS, componentsIn, selectorOf } from "./desired/names.ts";
import { migrationJob } from "./desired/workloads.ts";
import { endpointsOf } from "./endpoints.ts";
import { faultFinding, tellSilent } from "./faults.ts";
import { groundOf } from "./ground-of.ts";
import type { Finding } from "./kube/conditions.ts";
import { conditionsOf, no, unknown, yes } from "./kube/conditions.ts";
import type { Observed } from "./observed.ts";
import { countOf, jobState } from "./observed.ts";
import { tellRefused } from "./apply-all.ts";
import { podsRefused, tellPodsRefused } from "./pods-refused.ts";
import { atQuorum, pullFailures, tellPulls, versionServing } from "./serving.ts";
import type { BackendsSeen } from "./plan.ts";
import { missesServer, rollHeld, rollTold } from "./roll/roll-status.ts";
import { readyFinding } from "./ready.ts";
import { drainsTold } from "./scale/drain-status.ts";
import { rolledBack, rollsOut } from "./scale/rollout-finding.ts";
import { rotated } from "./rotation-way.ts";

function reachable({ nats, redis, clickhouse }: BackendsSeen): Finding {
  const all = { NATS: nats, Redis: redis, ClickHouse: clickhouse };
  const bad = Object.entries(all).filter(([, { state }]) => state === "unreachable" || state === "refused");
  if (bad.length > 0) {
    const reason = bad.some(([, { state }]) => state === "refused") ? "CredentialsRefused" : "Unreachable";
    return no(reason, bad.map(([name, { message }]) => `${name}: ${message}`).join("; "));
  }
  if (Object.values(all).some(({ state }) => state === "unknown"))
    return unknown("NotAskedYet", "the backends have not been asked yet");
  return yes("Answering", "NATS, Redis and ClickHouse answer");
}

const STREAMS_UNKNOWN = unknown("NotAskedYet", "NATS has not reported its streams yet");

function streamsInSync({ streams }: BackendsSeen): Finding {
  if (streams === undefined) return STREAMS_UNKNOWN;
  return streams.ok ? yes("InSync", streams.message) : no(streams.fault ?? "Differ", streams.message);
}

function durability({ input, backends }: StatusFacts): Finding {
  const { replicas, fsync } = input.cluster.spec.durability;
  if (backends.streams === undefined) return STREAMS_UNKNOWN;
  if (!backends.streams.ok) return no("StreamsDiffer", backends.streams.message);
  if (input.cluster.spec.nats.external !== undefined)
    return unknown(
      "FsyncNotTold",
      `the logs have ${replicas} copies; an external NATS does not report its sync_interval: check there that it is ${fsync}`,
    );
  return yes("AsWanted", `${replicas} copies, fsync ${fsync}`);
}

function schema({ input, observed }: StatusFacts): Finding {
  const job = migrationJob(input);
  if (job === undefined) {
    const { ready } = countOf(observed.ofKind("Deployment", "storage")[0]);
    return ready > 0
      ? yes("Embedded", "storage migrated it")
      : unknown("NotStarted", "storage has not started yet");
  }
  switch (jobState(observed.find(job))) {
    case "done":
      return yes("Migrated");
    case "failed":
      return no(
        "MigrationFailed",
        `Job ${job.metadata.name} failed: kubectl logs job/${job.metadata.name}; delete it to try again`,
      );
    case "running":
      return no("Migrating", `Job ${job.metadata.name} is running`);
    case "absent":
      return unknown("NotStarted", "waits for ClickHouse");
  }
}

function available({ input }: StatusFacts, counts: ComponentCounts): Finding {
  if (input.cluster.spec.hibernate) return no("Hibernating", "no pods are wanted");
  const told = tell(counts, ["connector"]);
  return counts.connector.ready >= counts.connector.wanted ? yes("Available", told) : no("TooFew", told);
}

function reconciled({ input, refused }: StatusFacts): Finding {
  if (input.cluster.spec.paused) return unknown("Paused", "spec.paused is set: nothing is applied");
  return refused.length > 0 ? no("ApplyRefused", tellRefused(refused)) : yes("Applied");
}

/** Managed backends that are not in their wanted state yet. */
const unsettledServers = (observed: Observed): readonly string[] =>
  [...observed.ofKind("StatefulSet"), ...observed.ofKind("Deployment", "redis")]
    .map((object) => ({ name: object.metadata.labels?.[LABELS.component] ?? "", count: countOf(object) }))
    .filter(({ count }) => !count.isSettled)
    .map(({ name, count: { ready: are, wanted } }) => `${name} ${are}/${wanted}`);

function progressing(
  { input, plan, observed, refused, changed, backends }: StatusFacts,
  counts: ComponentCounts,
): Finding {
  if (input.cluster.spec.paused) return no("Paused", "spec.paused is set");
  const pulls = pullFailures(observed);
  if (pulls.length > 0) return yes("ImagePull", tellPulls(pulls));
  if (refused.length > 0) return no("ApplyRefused", tellRefused(refused));
  if (plan.waitsFor !== undefined) return yes("Waiting", `waits for ${plan.waitsFor}`);
  const rollout = rollsOut(plan.rollout);
  if (rollout !== undefined) return rollout;
  const rotation = rotated(input, observed, backends);
  if (rotation.status === "False" && rotation.reason !== "TooManyKeys")
    return yes("Rotating", rotation.message);
  const unsettled = componentsIn(input.cluster).filter((name) => !counts[name].isSettled);
  const told = [
    tell(counts, unsettled),
    ...unsettledServers(observed),
    ...rollTold(plan.roll),
    ...changed.map(({ kind, metadata }) => `${kind} ${metadata.name} was changed`),
  ].filter((text) => text !== "");
  return told.length > 0 ? yes("RollingOut", told.join(", ")) : no("Settled", "everything matches the spec");
}

/** Where an optional kind comes from, and the alternative to it. */
const CURES: Readonly<Record<string, string>> = {
  HTTPRoute: "connectors.gateway needs the Gateway API: install its CRDs, or use connectors.ingress",
  PodMonitor: "observability.podMonitor needs the Prometheus operator: install its CRDs, or leave it out",
};

function degraded(facts: StatusFacts, backends: Finding, ofSchema: Finding): Finding {
  const { input, unserved, observed, refused } = facts;
  const { streams } = facts.backends;
  const [kind] = unserved.map((object) => object.kind);
  if (kind !== undefined)
    return yes(
      "NotServed",
      `${CURES[kind] ?? `${kind} is not known here`}; then restart the operator, with a chart of its version`,
    );
  if (streams?.fault !== undefined) return yes(streams.fault, streams.message);
  const back = rolledBack(facts.plan.rollout);
  if (back !== undefined) return back;
  const fault = faultFinding(input.cluster, facts.live.faults);
  if (fault !== undefined) return fault;
  if (refused.length > 0) return yes("ApplyRefused", tellRefused(refused));
  const pulls = pullFailures(observed);
  if (pulls.length > 0) return yes("ImagePull", tellPulls(pulls));
  const { waitsFor, roll } = facts.plan;
  const held = rollHeld(roll);
  if (held !== undefined) return yes("RollHeld", held);
  const few = waitsFor === undefined && !missesServer(roll) ? atQuorum(observed) : undefined;
  if (few !== undefined) return yes("ServersMissing", few);
  const short = podsRefused(observed);
  if (short.length > 0) return yes("PodsRefused", tellPodsRefused(short));
  const isBad = backends.status === "False" || ofSchema.reason === "MigrationFailed";
  const { silent } = facts.live;
  if (!isBad && silent.length > 0) return unknown("PodsSilent", tellSilent(silent));
  if (input.cluster.spec.hibernate || !isBad) return no("AsWanted", "nothing is wrong");
  const wrong = [backends, ofSchema].filter(({ status }) => status === "False");
  return yes("SeeOthers", wrong.map(({ message }) => message).join("; "));
}

/** The conditions of a pass that could check everything. */
function findingsOf(facts: StatusFacts, counts: ComponentCounts): Record<ConditionType, Finding> {
  const { paused, hibernate } = facts.input.cluster.spec;
  const backends = reachable(facts.backends);
  const ofSchema = schema(facts);
  return {
    Ready: readyFinding(facts, counts, backends),
    SpecValid: yes("Accepted"),
    BackendsReachable: hibernate ? unknown("Hibernating", "the backends are not asked") : backends,
    DurabilityVerified: durability(facts),
    StreamsInSync: streamsInSync(facts.backends),
    SchemaInSync: ofSchema,
    ConnectorsAvailable: available(facts, counts),
    SyntheticTalk: facts.talk,
    Reconciled: reconciled(facts),
    Rotated: rotated(facts.input, facts.observed, facts.backends),
    LevelRaised: facts.level.finding,
    Progressing: progressing(facts, counts),
    Paused: paused
      ? yes("Asked", "spec.paused is set: nothing is changed")
      : no("Running", "spec.paused is not set"),
    Degraded: degraded(facts, backends, ofSchema),
  };
}

/** The status of a pass that could check everything. Pure. */
export function statusOf(facts: StatusFacts): ChatClusterStatus {
  const { input, now, live, autoscaler } = facts;
  const { connections, partitionsServed } = live;
  const { cluster } = input;
  const { generation } = cluster.metadata;
  const counts = countsOf(facts);
  const count = (name: Component): Counts => {
    const { wanted, ready: are, updated } = counts[name];
    return { wanted, ready: are, updated };
  };
  const before = cluster.status?.conditions ?? [];
  const connectors = count("connector");
  const drains = facts.plan.fleet === undefined ? [] : drainsTold(facts.plan.fleet);
  const serving = versionServing(input, facts.observed);
  const log = facts.backends.streams?.log ?? cluster.status?.log;
  const rebalanced = facts.plan.sheds.done ?? cluster.status?.rebalanced;
  const level = facts.level.level ?? cluster.status?.level;
  return {
    observedGeneration: generation,
    ...(serving === undefined ? {} : { version: serving }),
    conditions: conditionsOf(findingsOf(facts, counts), before, generation, now),
    ground: groundOf(cluster),
    ...(log === undefined ? {} : { log }),
    ...(level === undefined ? {} : { level }),
    connectors,
    routers: count("router"),
    storage: count("storage"),
    api: count("api"),
    ...(cluster.spec.push === undefined ? {} : { push: count("push") }),
    ...(drains.length === 0 ? {} : { drains }),
    ...(facts.plan.rollout === undefined ? {} : { rollout: facts.plan.rollout }),
    ...(autoscaler === undefined ? {} : { autoscaler }),
    ...(rebalanced === undefined ? {} : { rebalanced }),
    replicas: connectors.ready,
    selector: Object.entries(selectorOf(cluster, "connector"))
      .map(([key, value]) => `${key}=${value}`)
      .join(","),
    ...(connections === undefined ? {} : { connections }),
    partitions: {
      wanted: cluster.spec.partitions,
      ...(partitionsServed === undefined ? {} : { served: partitionsServed }),
    },
    endpoints: endpointsOf(input, facts.observed),
  };
}

/** The status of a ChatCluster whose spec names something that is missing. Nothing of the spec is applied. */
export function refusedStatus(
  cluster: ChatCluster,
  reason: string,
  message: string,
  now: Date,
): ChatClusterStatus {
  const waits = unknown("SpecInvalid", "waits for a valid spec");
  const { generation } = cluster.metadata;
  const findings: Record<ConditionType, Finding> = {
    Ready: no("SpecInvalid", message),
    SpecValid: no(reason, message),
    BackendsReachable: waits,
    DurabilityVerified: waits,
    StreamsInSync: waits,
    SchemaInSync: waits,
    ConnectorsAvailable: waits,
    SyntheticTalk: waits,
    Reconciled: no(reason, message),
    Rotated: waits,
    LevelRaised: waits,
    Progressing: no("SpecInvalid", message),
    Paused: cluster.spec.paused
      ? yes("Asked", "spec.paused is set")
      : no("Running", "spec.paused is not set"),
    Degraded: yes("SpecInvalid", message),
  };
  const { conditions: before = [], ...rest } = cluster.status ?? {};
  return {
    ...rest,
    observedGeneration: generation,
    conditions: conditionsOf(findings, before, generation, now),
  };
}

/**
 * The status of a failed pass: earlier findings stay, with the generation that they belong to. Only
 * `SyntheticTalk` is current, since talks run beside the passes.
 */
export function failedStatus(
  cluster: ChatCluster,
  message: string,
  now: Date,
  talk?: Finding,
): ChatClusterStatus {
  const { conditions: before = [], observedGeneration = 0, ...rest } = cluster.status ?? {};
  const waits = unknown("PassFailed", "not checked: the pass ended early with an error");
  const fresh: Partial<Record<ConditionType, Finding>> = {
    Reconciled: no("PassFailed", message),
    ...(talk === undefined ? {} : { SyntheticTalk: talk }),
    ...(talk?.status === "False" ? { Ready: no("PeopleCannotTalk", talk.message) } : {}),
  };
  const findings = Object.fromEntries(Object.keys(CONDITIONS).map((type) => [type, waits]));
  const all = { ...findings, ...fresh } as Record<ConditionType, Finding>;
  const known = new Map(before.map((condition) => [condition.type, condition]));
  return {
    ...rest,
    observedGeneration,
    conditions: conditionsOf(all, before, cluster.metadata.generation, now).map((condition) =>
      condition.type in fresh ? condition : (known.get(condition.type) ?? condition),
    ),
  };
}
