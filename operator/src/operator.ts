import type { Clock } from "@jichat/protocol/clock.ts";
import type { AdminActions } from "@jichat/runtime/admin.ts";
import type { Telemetry } from "@jichat/runtime/telemetry.ts";
import { removeData } from "./ask-backends.ts";
import type { BackendWatchOptions } from "./backend-watch.ts";
import { BackendWatch } from "./backend-watch.ts";
import type { Config } from "./config.ts";
import { DecisionMemory } from "./decision-memory.ts";
import type { ReconcileOptions } from "./reconcile.ts";
import { raiseOverNats } from "./raise-level.ts";
import { Informers } from "./informers.ts";
import { sayLastWords } from "./last-words.ts";
import { Keeper } from "./keeper.ts";
import type { KubeApi } from "./kube/api.ts";
import { runController } from "./kube/controller.ts";
import { Election } from "./kube/election.ts";
import { EventRecorder } from "./kube/events.ts";
import { WorkQueue } from "./kube/work-queue.ts";
import { operatorMetrics } from "./metrics.ts";
import { Reconciler } from "./reconcile.ts";
import type { rolloutJudges } from "./scale/rollout-judges.ts";
import type { TalkPlan, Told } from "./talk/talk.ts";
import { TalkWatch } from "./talk/talk-watch.ts";

export interface OperatorParts {
  readonly config: Config;
  readonly api: KubeApi;
  readonly clock: Clock;
  readonly telemetry: Telemetry;
  /** Talks once through an edge, and checks partitions from `fromPartition` on. Never rejects. */
  readonly askPods: ReconcileOptions["askPods"];
  readonly connectors: ReconcileOptions["connectors"];
  readonly askBackends: BackendWatchOptions["ask"];
  readonly judges: typeof rolloutJudges;
  readonly talk: (way: TalkPlan, fromPartition: number, clock: Clock, signal: AbortSignal) => Promise<Told>;
}

export interface RunningOperator {
  /** `lost`: another process leads, or could. `stopped`: this process was told to stop. */
  readonly done: Promise<"lost" | "stopped">;
  readonly health: AdminActions;
}

/** Labels that the chart puts on the operator's pods. Backends accept connections from them. */
const OPERATOR_LABELS = { "app.kubernetes.io/name": "jichat-operator" } as const;

const DISCOVER_AGAIN_MS = 2_000;

/** This operator's identity, as in `status.keeper`. */
const identityOf = ({ namespace, lease }: Config): string => `${namespace}/${lease}`;

/** Wires everything that works on ChatClusters, without running it. */
function assemble({ config, api, clock, telemetry, talk, ...parts }: OperatorParts) {
  const { askBackends, askPods, connectors } = parts;
  const { namespace, podUsers } = config;
  const { log } = telemetry;
  const queue = new WorkQueue({ clock });
  const metrics = operatorMetrics(telemetry, queue, api);
  const enqueue = queue.add.bind(queue);
  const informers = new Informers({
    api,
    namespaces: config.watchNamespaces,
    clock,
    onChange: enqueue,
    onRetry: (kind, error) => {
      metrics.countRetry(kind);
      log.info({ kind, err: error }, "a watch ended: it is opened again");
    },
  });
  const talks = new TalkWatch({
    talk: async (way, fromPartition, signal) => talk(way, fromPartition, clock, signal),
    clock,
    onNews: enqueue,
    onTold: metrics.countTalk,
  });
  const judges = parts.judges({ talk, clock, talks });
  const decisions = new DecisionMemory();
  metrics.tellStates({ talks, decisions, informers });
  const reconciler = new Reconciler({
    api,
    informers,
    backends: new BackendWatch({ ask: askBackends, clock, everyMs: config.probeMs, onNews: enqueue }),
    events: new EventRecorder(api, clock, log, config.instance),
    clock,
    version: config.version,
    operator: { namespace, labels: OPERATOR_LABELS, podUsers },
    resyncMs: config.resyncMs,
    keeper: new Keeper({ api, clock, me: identityOf(config) }),
    removeData,
    askPods,
    connectors,
    judges,
    rolloutsAtOnce: config.rolloutsAtOnce,
    raiseLevel: raiseOverNats,
    talks,
    decisions,
    onApplied: metrics.countApplied,
    onRefused: metrics.countRefused,
  });
  const controller = {
    queue,
    log,
    workers: config.workers,
    onPass: metrics.countPass,
    reconcile: async (key: string) => reconciler.reconcile(key),
  };
  const me = config.instance;
  const election = new Election({ api, clock, namespace: config.namespace, name: config.lease, me, log });
  return { informers, controller, election, talks, judges };
}

/** Makes the first request to the API server, and repeats it until the server is there. */
async function discovered(
  { clock, telemetry }: OperatorParts,
  informers: Informers,
  shutdown: AbortSignal,
): Promise<void> {
  while (!shutdown.aborted) {
    try {
      await informers.discover();
      return;
    } catch (error) {
      telemetry.log.warn({ err: error }, "the API server does not list its resources: trying again");
      await clock.sleep(DISCOVER_AGAIN_MS);
    }
  }
}

/** Takes part in the election. While it leads, it keeps every ChatCluster in the state of its spec. */
export function runOperator(parts: OperatorParts, shutdown: AbortSignal): RunningOperator {
  const { informers, controller, election, talks, judges } = assemble(parts);

  async function run(): Promise<"lost" | "stopped"> {
    await discovered(parts, informers, shutdown);
    const watching = informers.run(shutdown);
    try {
      await Promise.all([election.win(shutdown), informers.synced]);
      const working = runController(controller, shutdown);
      await election.keep(shutdown);
      // Returns without waiting for a pass, since this process must not write any more.
      if (!shutdown.aborted) return "lost";
      await working;
      const { api, clock, config } = parts;
      await sayLastWords({
        api,
        namespace: config.namespace,
        me: identityOf(config),
        clusters: informers.clusters(),
        now: new Date(clock.now()),
        log: parts.telemetry.log,
      });
      await election.release();
    } catch (error) {
      if (!shutdown.aborted) throw error;
    } finally {
      talks.stop();
      judges.stop();
    }
    await watching;
    return "stopped";
  }

  return {
    done: run(),
    health: {
      notReady: () =>
        informers.isSynced ? undefined : "the operator has not read all objects of the API server yet",
    },
  };
}
