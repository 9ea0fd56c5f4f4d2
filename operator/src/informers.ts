import { hashOf } from "./kube/hash.ts";
import type { Clock } from "@jichat/protocol/clock.ts";
import type { ChatCluster } from "./crd/definition.ts";
import { LABELS, OURS } from "./desired/names.ts";
import type { KubeApi } from "./kube/api.ts";
import { isForbidden, isNotFound } from "./kube/errors.ts";
import type { KubeObject, Resource } from "./kube/object.ts";
import { RESOURCES, keyOf } from "./kube/object.ts";
import { Reflector } from "./kube/reflector.ts";
import { Store } from "./kube/store.ts";
import { Observed } from "./observed.ts";

/** Every kind that the operator makes, or that Kubernetes makes for it. All of them are watched for drift. */
const OWNED: readonly Resource[] = [
  RESOURCES.configMaps,
  RESOURCES.secrets,
  RESOURCES.services,
  RESOURCES.serviceAccounts,
  RESOURCES.pods,
  RESOURCES.volumeClaims,
  RESOURCES.deployments,
  RESOURCES.statefulSets,
  RESOURCES.jobs,
  RESOURCES.disruptionBudgets,
  RESOURCES.networkPolicies,
  RESOURCES.ingresses,
];

/**
 * Kinds from other projects, which a Kubernetes cluster may lack: the Gateway API's and the Prometheus
 * operator's. A chart that is older than this image grants no right to EndpointSlices.
 */
const OPTIONAL: readonly Resource[] = [RESOURCES.httpRoutes, RESOURCES.podMonitors, RESOURCES.endpointSlices];

export interface InformerOptions {
  readonly api: Pick<KubeApi, "list" | "watch">;
  /** Empty means all namespaces. */
  readonly namespaces: readonly string[];
  readonly clock: Clock;
  /** Called with the key of a ChatCluster when it, or an object of it, changes. */
  readonly onChange: (key: string) => void;
  readonly onRetry: (why: string, error: unknown) => void;
}

const clusterKeyOf = ({ metadata: { namespace, labels } }: KubeObject): string =>
  `${namespace}/${labels?.[LABELS.cluster] ?? labels?.[LABELS.instance] ?? ""}`;

/** A local copy of the objects that concern the operator, kept current by watches. */
export class Informers {
  /** One store per watched namespace, since a list covers only its own namespace. */
  readonly #clusters: Store<ChatCluster & KubeObject>[] = [];
  readonly #options: InformerOptions;
  /** A hash of the parts of each ChatCluster whose change needs a pass. */
  readonly #seen = new Map<string, string>();
  readonly #owned = new Map<string, Store<KubeObject>[]>();
  readonly #reflectors: {
    readonly isSynced: boolean;
    readonly synced: Promise<void>;
    run(signal: AbortSignal): Promise<void>;
  }[] = [];

  constructor(options: InformerOptions) {
    this.#options = options;
    const { api, clock, onChange, onRetry } = options;
    for (const namespace of this.#scopes()) {
      const store = new Store<ChatCluster & KubeObject>();
      this.#clusters.push(store);
      this.#reflectors.push(
        new Reflector({
          api,
          namespace,
          clock,
          onRetry,
          resource: RESOURCES.chatClusters,
          store,
          onChange: (cluster) => {
            if (this.#isNews(cluster)) onChange(keyOf(cluster));
          },
        }),
      );
    }
    for (const resource of OWNED) this.#watch(resource);
  }

  #watch(resource: Resource): void {
    const { api, clock, onChange, onRetry } = this.#options;
    const stores = this.#scopes().map((namespace) => {
      const store = new Store<KubeObject>({ cluster: (object) => [clusterKeyOf(object)] });
      this.#reflectors.push(
        new Reflector({
          api,
          namespace,
          clock,
          onRetry,
          resource,
          labelSelector: OURS,
          store,
          onChange: (object) => {
            onChange(clusterKeyOf(object));
          },
        }),
      );
      return store;
    });
    this.#owned.set(resource.plural, stores);
  }

  /** The scope of each watch: one namespace, or undefined for all. */
  #scopes(): readonly (string | undefined)[] {
    const { namespaces } = this.#options;
    return namespaces.length === 0 ? [undefined] : [...new Set(namespaces)];
  }

  cluster(key: string): (ChatCluster & KubeObject) | undefined {
    return this.#clusters.map((store) => store.get(key)).find((cluster) => cluster !== undefined);
  }

  clusters(): readonly (ChatCluster & KubeObject)[] {
    return this.#clusters.flatMap((store) => store.all());
  }

  /**
   * Whether more changed than the status. The operator itself writes the status, so a pass for it would cause
   * another pass, for ever.
   */
  #isNews({ metadata }: ChatCluster & KubeObject): boolean {
    const { uid, generation, annotations, finalizers, deletionTimestamp } = metadata;
    const print = hashOf([uid, generation, annotations, finalizers, deletionTimestamp]);
    const key = keyOf({ metadata });
    const isGone = this.cluster(key) === undefined;
    const isKnown = this.#seen.get(key) === print;
    if (isGone) this.#seen.delete(key);
    else this.#seen.set(key, print);
    return isGone || !isKnown;
  }

  get isSynced(): boolean {
    return this.#reflectors.every(({ isSynced }) => isSynced);
  }

  get synced(): Promise<unknown> {
    return Promise.all(this.#reflectors.map(({ synced }) => synced));
  }

  /**
   * Adds the optional kinds that the API server has and that the operator may read. Call it once, before
   * `run`.
   */
  async discover(): Promise<void> {
    const { api } = this.#options;
    const [namespace] = this.#scopes();
    for (const resource of OPTIONAL) {
      try {
        await api.list(resource, namespace, { limit: "1" });
        this.#watch(resource);
      } catch (error) {
        // A chart that is older than this image grants no right to them.
        if (!isNotFound(error) && !isForbidden(error)) throw error;
      }
    }
  }

  /** Whether objects of this kind can be created: the kind is watched. */
  serves({ plural }: Resource): boolean {
    return this.#owned.has(plural);
  }

  async run(signal: AbortSignal): Promise<void> {
    await Promise.all(this.#reflectors.map((reflector) => reflector.run(signal)));
  }

  observe(key: string): Observed {
    return new Observed([...this.#owned.values()].flat().flatMap((store) => store.by("cluster", key)));
  }
}
