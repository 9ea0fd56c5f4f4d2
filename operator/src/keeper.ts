import type { Clock } from "@jichat/protocol/clock.ts";
import type { ChatCluster } from "./crd/definition.ts";
import type { KubeApi } from "./kube/api.ts";
import { isForbidden, isNotFound } from "./kube/errors.ts";
import type { KubeObject } from "./kube/object.ts";
import { RESOURCES } from "./kube/object.ts";

/** Assigns a ChatCluster to the operator that it names, whatever the status says. */
export const KEEPER_ANNOTATION = "chat.jichat.io/keeper";

export interface KeeperOptions {
  readonly api: Pick<KubeApi, "get" | "apply">;
  readonly clock: Clock;
  /** This operator's identity: the Lease that its candidates share, as `namespace/name`. */
  readonly me: string;
}

type Lease = KubeObject & {
  readonly spec?: {
    readonly holderIdentity?: string;
    readonly leaseDurationSeconds?: number;
  };
};

interface Seen {
  readonly askedAt: number;
  /** The version of the Lease, and when it was first seen. A leader renews its Lease every few seconds. */
  readonly version: string;
  readonly since: number;
  readonly lives: boolean;
}

/**
 * A Lease that was not renewed for this many of its durations is abandoned: its operator is gone, not slow.
 */
const LIVES = 2;
const LEASE_SECONDS = 15;
/** If one keeper has many ChatClusters, one request answers for all of them. */
const ASK_AGAIN_MS = 2_000;
const SEEN_MAX = 100;
const CLAIMED_MAX = 10_000;

/** Decides which operator keeps a ChatCluster. Several may see it, but only one keeps it. */
export class Keeper {
  readonly #options: KeeperOptions;
  readonly #seen = new Map<string, Seen>();
  readonly #claimed = new Set<string>();

  constructor(options: KeeperOptions) {
    this.#options = options;
  }

  get me(): string {
    return this.#options.me;
  }

  /** The keeper, if it is another operator; undefined if the ChatCluster is ours, or may be. */
  async other({ metadata, status }: ChatCluster): Promise<string | undefined> {
    const { me } = this.#options;
    const assigned = metadata.annotations?.[KEEPER_ANNOTATION] ?? "";
    if (assigned !== "") return assigned === me ? undefined : assigned;
    const keeper = status?.keeper;
    if (keeper === undefined || keeper === me) return undefined;
    return (await this.#lives(keeper)) ? keeper : undefined;
  }

  /**
   * Writes this operator's name into the status. If two try at once, the second is refused. No operator works
   * on the ChatCluster before its name is there.
   */
  async claim(cluster: ChatCluster & KubeObject): Promise<ChatCluster & KubeObject> {
    const { api, me } = this.#options;
    const { status, apiVersion, kind } = cluster;
    const { name, namespace, resourceVersion, uid } = cluster.metadata;
    if (status?.keeper === me) return cluster;
    // The watch has not reported it yet.
    if (status?.keeper === undefined && this.#claimed.has(uid)) return cluster;
    const before = status ?? { observedGeneration: 0, conditions: [] };
    const wanted = {
      apiVersion,
      kind,
      metadata: { name, namespace, resourceVersion },
      status: { ...before, keeper: me },
    } as KubeObject;
    const claimed = await api.apply<ChatCluster & KubeObject>(RESOURCES.chatClusters, wanted, {
      subresource: "status",
    });
    if (this.#claimed.size >= CLAIMED_MAX) this.#claimed.clear();
    this.#claimed.add(uid);
    return claimed;
  }

  async #lives(keeper: string): Promise<boolean> {
    const { api, clock } = this.#options;
    const now = clock.monotonic();
    const before = this.#seen.get(keeper);
    if (before !== undefined && now - before.askedAt < ASK_AGAIN_MS) return before.lives;
    const [namespace = "", name = ""] = keeper.split("/");
    let seen: Seen;
    try {
      const { metadata, spec = {} } = await api.get<Lease>(RESOURCES.leases, namespace, name);
      const version = metadata.resourceVersion ?? "";
      const since = before?.version === version ? before.since : now;
      const lifeMs = (spec.leaseDurationSeconds ?? LEASE_SECONDS) * LIVES * 1_000;
      const lives = (spec.holderIdentity ?? "") !== "" && now - since < lifeMs;
      seen = { askedAt: now, version, since, lives };
    } catch (error) {
      if (!isNotFound(error) && !isForbidden(error)) throw error;
      // An operator that may not read the Lease assumes that the other one is alive, and takes nothing over.
      seen = { askedAt: now, version: "", since: now, lives: isForbidden(error) };
    }
    if (this.#seen.size >= SEEN_MAX) this.#seen.clear();
    this.#seen.set(keeper, seen);
    return seen.lives;
  }
}

/** The message for people whose ChatCluster is seen by two operators. */
export const standsBack = (me: string, other: string): string =>
  `operator ${me} does not act: operator ${other} keeps this ChatCluster. To hand it over, stop that operator, or annotate the ChatCluster with ${KEEPER_ANNOTATION}=${me}; to avoid this, let each operator watch namespaces of its own (watchNamespaces)`;
