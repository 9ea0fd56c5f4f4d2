import type { V1StatefulSet } from "@kubernetes/client-node";
import type { KubeApi } from "../src/kube/api.ts";
import { isNotFound } from "../src/kube/errors.ts";
import { hashOf } from "../src/kube/hash.ts";
import type { KubeObject } from "../src/kube/object.ts";
import { RESOURCES } from "../src/kube/object.ts";
import type { ServersAdmin } from "../src/operator.ts";
import type { PodObject } from "../src/pod-object.ts";
import { isPodReady } from "../src/pod-object.ts";
import type { ServersTold } from "../src/roll/next-server.ts";
import { NAMESPACE } from "./world.ts";

type Set = KubeObject & Pick<V1StatefulSet, "spec" | "status">;
const REVISION = "controller-revision-hash";

/**
 * What a StatefulSet's controller and kubelets would do for the managed nats-servers of one ChatCluster, and
 * what these answer.
 */
export class FakeServers {
  readonly #api: KubeApi;
  readonly #cluster: string;
  /** What is not level. */
  behind: readonly string[] = [];
  /** A pod that was made becomes ready. */
  comesUp = true;
  /** Each question, restart and event of a pod, in the order of time. */
  readonly story: string[] = [];
  /** The fewest that were ready at once, since all were. */
  fewest = Number.POSITIVE_INFINITY;

  constructor(api: KubeApi, cluster: string) {
    this.#api = api;
    this.#cluster = cluster;
  }

  get admin(): ServersAdmin {
    return {
      ask: async (): Promise<ServersTold> => {
        const pods = await this.pods();
        const servers = pods.filter(isPodReady).map(({ metadata }) => metadata.name);
        return { servers, metaLeader: `${this.#cluster}-nats-2`, behind: this.behind };
      },
      moveLeaders: async (_, server) => {
        this.story.push(`${server} leads nothing`);
      },
    };
  }

  async set(): Promise<Set | undefined> {
    const name = `${this.#cluster}-nats`;
    return this.#api.get<Set>(RESOURCES.statefulSets, NAMESPACE, name).catch((error: unknown) => {
      if (isNotFound(error)) return undefined;
      throw error;
    });
  }

  async pods(): Promise<readonly PodObject[]> {
    const labelSelector = `app.kubernetes.io/instance=${this.#cluster},app.kubernetes.io/component=nats`;
    return (await this.#api.list<PodObject>(RESOURCES.pods, NAMESPACE, { labelSelector })).items;
  }

  /** The revision that the set wants. */
  async wanted(): Promise<string> {
    return hashOf((await this.set())?.spec?.template);
  }

  /** A moment of their work. A pod that is made becomes ready in the next one. */
  async step(): Promise<void> {
    const set = await this.set();
    if (set === undefined) return;
    const revision = await this.wanted();
    const pods = await this.pods();
    const ready = pods.filter(isPodReady);
    this.fewest = Math.min(this.fewest, ready.length);
    if (this.comesUp) for (const pod of pods) if (!isPodReady(pod)) await this.#status(pod, true);
    for (let at = 0; at < (set.spec?.replicas ?? 0); at += 1) {
      const name = `${this.#cluster}-nats-${at}`;
      if (!pods.some(({ metadata }) => metadata.name === name)) await this.#create(name, revision, set);
    }
    const { apiVersion, kind, metadata } = set;
    await this.#api.apply(
      RESOURCES.statefulSets,
      {
        apiVersion,
        kind,
        metadata: { name: metadata.name, namespace: NAMESPACE },
        status: {
          replicas: pods.length,
          readyReplicas: ready.length,
          updatedReplicas: pods.filter((pod) => pod.metadata.labels?.[REVISION] === revision).length,
          // With OnDelete it stays what it was at first.
          currentRevision: set.status?.currentRevision ?? revision,
          updateRevision: revision,
          observedGeneration: metadata.generation,
        },
      } as KubeObject,
      { subresource: "status" },
    );
  }

  async #create(name: string, revision: string, set: Set): Promise<void> {
    const labels = { ...set.spec?.template.metadata?.labels, [REVISION]: revision };
    const pod = { apiVersion: "v1", kind: "Pod", metadata: { name, namespace: NAMESPACE, labels } };
    const containers = [{ name: "nats", image: "nats:1" }];
    this.story.push(`${name} is made`);
    await this.#api.create(RESOURCES.pods, {
      ...pod,
      spec: { containers, automountServiceAccountToken: false },
    } as KubeObject);
  }

  async #status({ metadata: { name } }: PodObject, isReady: boolean): Promise<void> {
    const now = new Date().toISOString();
    const conditions = [{ type: "Ready", status: isReady ? "True" : "False", lastTransitionTime: now }];
    const running = { name: "nats", image: "nats:1", imageID: "", restartCount: 0, ready: isReady };
    const containerStatuses = [{ ...running, state: { running: { startedAt: now } } }];
    const status = { phase: "Running", conditions, containerStatuses };
    const pod = { apiVersion: "v1", kind: "Pod", metadata: { name, namespace: NAMESPACE }, status };
    await this.#api.apply(RESOURCES.pods, pod, { subresource: "status" });
  }
}
