import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { KubeConfig } from "@kubernetes/client-node";
import { pino } from "pino";
import { systemClock } from "@jichat/protocol/clock.ts";
import type { ControlPlane } from "@jichat/testkit/local/control-plane.ts";
import { startControlPlane } from "@jichat/testkit/local/control-plane.ts";
import { until } from "@jichat/testkit/until.ts";
import { askBackends } from "../src/ask-backends.ts";
import { askPods } from "../src/ask-pods.ts";
import type { Config } from "../src/config.ts";
import { definition } from "../src/crd/definition.ts";
import type { Workload } from "../src/desired/workloads.ts";
import { KubeApi } from "../src/kube/api.ts";
import { KubeError, isNotFound } from "../src/kube/errors.ts";
import type { KubeObject, Resource } from "../src/kube/object.ts";
import { RESOURCES } from "../src/kube/object.ts";
import type { OperatorParts, ServersAdmin } from "../src/operator.ts";
import { runOperator } from "../src/operator.ts";
import { askServers } from "../src/roll/ask-servers.ts";
import { moveLeaders } from "../src/roll/move-leaders.ts";
import type { RolloutJudges } from "../src/rollouts.ts";
import type { ConnectorAdmin } from "../src/scale/ask-connectors.ts";
import { connectorAdmin } from "../src/scale/ask-connectors.ts";
import type { Told } from "../src/talk/talk.ts";

export const NAMESPACE = "default";
export const CRDS: Resource = {
  apiVersion: "apiextensions.k8s.io/v1",
  kind: "CustomResourceDefinition",
  plural: "customresourcedefinitions",
  namespaced: false,
};

export const chat = (name: string, spec: object = {}): KubeObject & { readonly spec: object } => ({
  apiVersion: "chat.jichat.io/v1alpha1",
  kind: "ChatCluster",
  metadata: { name, namespace: NAMESPACE },
  spec,
});

/** What a test may say in place of canaries, gates and backends. */
interface Others {
  readonly judges?: RolloutJudges;
  readonly ask?: typeof askBackends;
  readonly servers?: ServersAdmin;
}

const OK = { state: "ok", message: "" } as const;
/** Backends that answer, whatever is asked. */
export const ANSWERS: typeof askBackends = async () => ({
  nats: OK,
  redis: OK,
  clickhouse: OK,
  streams: { ok: true, message: "" },
});

/** A talk in which everything was said and heard. */
export const WELL: Told = { outcome: "ok", why: "", ms: 20, nextPartition: 0 };

/** Canaries that are proven at once, and no gate. */
const ALL_WELL: RolloutJudges = {
  canary: () => ({ state: "proven", message: "" }),
  gates: () => [],
  forget: () => undefined,
  forgetCanary: () => undefined,
};

/** A real API server that serves ChatClusters, and somebody who may do everything there. */
export class World {
  readonly folder: string;
  readonly plane: ControlPlane;
  readonly api: KubeApi;
  #operators = 0;

  private constructor(folder: string, plane: ControlPlane) {
    this.folder = folder;
    this.plane = plane;
    this.api = this.#apiAs("test");
  }

  static async start(): Promise<World> {
    const folder = mkdtempSync(join(tmpdir(), "jichat-kube-"));
    const world = new World(folder, await startControlPlane(folder));
    await world.api.apply(CRDS, definition());
    await until("the CRD is served", 20_000, async () =>
      world.api.list(RESOURCES.chatClusters, NAMESPACE).catch((error: unknown) => {
        if (error instanceof KubeError && (error.status === 404 || error.status === 429)) return undefined;
        throw error;
      }),
    );
    return world;
  }

  #apiAs(manager: string): KubeApi {
    const config = new KubeConfig();
    config.loadFromFile(this.plane.kubeconfig);
    return new KubeApi(config, manager);
  }

  async stop(): Promise<void> {
    await this.plane.stop();
    rmSync(this.folder, { recursive: true, force: true });
  }

  async find<T extends KubeObject>(resource: Resource, name: string): Promise<T | undefined> {
    return this.api.get<T>(resource, NAMESPACE, name).catch((error: unknown) => {
      if (isNotFound(error)) return undefined;
      throw error;
    });
  }

  /** A pod that runs, as a kubelet would tell. */
  async pod(cluster: string, component: string, hostIP: string): Promise<void> {
    const name = `${cluster}-${component}-1`;
    const object = {
      apiVersion: "v1",
      kind: "Pod",
      metadata: {
        name,
        namespace: NAMESPACE,
        labels: {
          "app.kubernetes.io/instance": cluster,
          "app.kubernetes.io/component": component,
          "app.kubernetes.io/managed-by": "jichat-operator",
        },
      },
    };
    const spec = { containers: [{ name: "c", image: "i" }], automountServiceAccountToken: false };
    await this.api.apply(RESOURCES.pods, { ...object, spec } as KubeObject);
    const status = { phase: "Running", hostIP, hostIPs: [{ ip: hostIP }] };
    await this.api.apply(RESOURCES.pods, { ...object, status } as KubeObject, { subresource: "status" });
  }

  /** What controllers bring about: all other Deployments than connectors' have the pods that they want. */
  async settle(cluster: string): Promise<void> {
    const labelSelector = `app.kubernetes.io/instance=${cluster}`;
    for (const object of (await this.api.list<Workload>(RESOURCES.deployments, NAMESPACE, { labelSelector }))
      .items) {
      const { apiVersion, kind, metadata, spec } = object;
      if (metadata.labels?.["app.kubernetes.io/component"] === "connector") continue;
      const n = spec.replicas ?? 0;
      const counts = { replicas: n, readyReplicas: n, updatedReplicas: n, availableReplicas: n };
      const status = { ...counts, observedGeneration: metadata.generation };
      const { name, namespace } = metadata;
      const wanted = { apiVersion, kind, metadata: { name, namespace }, status } as unknown as KubeObject;
      await unlessGone(this.api.apply(RESOURCES.deployments, wanted, { subresource: "status" }));
    }
  }

  /** A kind of somebody else's, with whatever fields. */
  async teach(group: string, version: string, kind: string, plural: string): Promise<void> {
    const openAPIV3Schema = { type: "object", "x-kubernetes-preserve-unknown-fields": true };
    await this.api.apply(CRDS, {
      apiVersion: CRDS.apiVersion,
      kind: CRDS.kind,
      metadata: {
        name: `${plural}.${group}`,
        // Kubernetes's own groups want to know who allowed it.
        annotations: { "api-approved.kubernetes.io": "unapproved, a test" },
      },
      spec: {
        group,
        scope: "Namespaced",
        names: { kind, plural, singular: kind.toLowerCase() },
        versions: [{ name: version, served: true, storage: true, schema: { openAPIV3Schema } }],
      },
    } as KubeObject);
    const resource = { apiVersion: `${group}/${version}`, kind, plural, namespaced: true };
    await until(`${kind} is served`, 20_000, async () =>
      this.api.list(resource, NAMESPACE).catch((error: unknown) => {
        if (error instanceof KubeError) return undefined;
        throw error;
      }),
    );
  }

  /**
   * `told` is what a talk through any edge comes to, `ask` what pods say: there is no pod that runs.
   * `servers` is what nats-servers answer.
   */
  startOperator(
    more: Partial<Config> = {},
    told: () => Promise<Told> = async () => WELL,
    askedPods: typeof askPods = askPods,
    connectors: ConnectorAdmin = connectorAdmin(),
    { judges = ALL_WELL, ask = askBackends, servers = { ask: askServers, moveLeaders } }: Others = {},
  ): {
    readonly api: KubeApi;
    readonly stop: () => Promise<void>;
  } {
    this.#operators += 1;
    const instance = `test-${this.#operators}`;
    const api = this.#apiAs("jichat-operator");
    return startOperator(
      api,
      { instance, ...more },
      { talk: told, askPods: askedPods, connectors, servers, judges, askBackends: ask },
    );
  }
}

/** An operator in this process. */
export function startOperator(
  api: KubeApi,
  more: Partial<Config>,
  {
    judges = ALL_WELL,
    askBackends: ask = askBackends,
    ...asks
  }: Pick<OperatorParts, "talk" | "askPods" | "connectors" | "servers"> & {
    readonly judges?: RolloutJudges;
    readonly askBackends?: typeof askBackends;
  },
): { readonly api: KubeApi; readonly stop: () => Promise<void> } {
  const stopping = new AbortController();
  const nothing = (): void => undefined;
  const telemetry = {
    log: pino({ level: "silent" }),
    counter: () => ({ add: nothing }),
    histogram: () => ({ record: nothing }),
    gauge: nothing,
  };
  const config = {
    instance: "test",
    namespace: NAMESPACE,
    watchNamespaces: [],
    lease: "jichat-operator",
    podUsers: "fixed",
    version: "0.1.0",
    workers: 4,
    resyncMs: 30_000,
    probeMs: 15_000,
    rolloutsAtOnce: 1,
    ...more,
  } as Config;
  const parts = {
    config,
    api,
    clock: systemClock,
    telemetry: telemetry as never,
    ...asks,
    askBackends: ask,
    judges: () => ({ ...judges, stop: nothing }),
  };
  const { done } = runOperator(parts, stopping.signal);
  return {
    api,
    stop: async () => {
      stopping.abort(new Error("the test is over"));
      await done;
    },
  };
}

/** Writes to what was listed a moment ago, which the operator may have removed since. */
export async function unlessGone(write: Promise<unknown>): Promise<void> {
  await write.catch((error: unknown) => {
    if (!isNotFound(error)) throw error;
  });
}
