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

/** Every kind that we make or that is made for us, and so is watched for drift. */
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

/** Kinds of others, which a Kubernetes cluster may lack: the Gateway API's, the Prometheus operator's. */
const OPTIONAL: readonly Resource[] = [RESOURCES.httpRoutes, RESOURCES.podMonitors];

export interface InformerOptions {
  readonly api: Pick<KubeApi, "list" | "watch">;
  /** None: all of them. */
  readonly namespaces: readonly string[];
  readonly clock: Clock;
  /** The key of the ChatCluster that something happened to, or to something of it. */
  readonly onChange: (key: string) => void;
  readonly onRetry: (why: string, error: unknown) => void;
}

const clusterKeyOf = ({ metadata: { namespace, labels } }: KubeObject): string =>
  `${namespace}/${labels?.[LABELS.cluster] ?? labels?.[LABELS.instance] ?? ""}`;

/** The API server's state as far as it is ours, kept up by watches. */
export class Informers {
  /** A store for each namespace that is watched: a list tells of its own alone. */
  readonly #clusters: Store<ChatCluster & KubeObject>[] = [];
  readonly #options: InformerOptions;
  /** What of each ChatCluster calls for a pass when it changes. */
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

  /** What each watch is of: one namespace, or, as undefined, all. */
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
   * Whether more than the status changed: that is our own writing, and would call for a pass after each
   * pass.
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

  /** Adds the optional kinds that the API server has and we may see; to be called once, before `run`. */
  async discover(): Promise<void> {
    const { api } = this.#options;
    const [namespace] = this.#scopes();
    for (const resource of OPTIONAL) {
      try {
        await api.list(resource, namespace, { limit: "1" });
        this.#watch(resource);
      } catch (error) {
        // A chart that is older than this image gives no right to them.
        if (!isNotFound(error) && !isForbidden(error)) throw error;
      }
    }
  }

  /** Whether objects of this kind can be made: it is watched. */
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
