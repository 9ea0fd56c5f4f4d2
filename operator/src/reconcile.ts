import type { Clock } from "@jichat/protocol/clock.ts";
import type { Refused } from "./apply-all.ts";
import { actOnAll, applyAll, tellRefused } from "./apply-all.ts";
import type { Live } from "./ask-pods.ts";
import type { BackendWatch } from "./backend-watch.ts";
import type { ChatCluster } from "./crd/definition.ts";
import type { ChatClusterStatus } from "./crd/status.ts";
import type { Wish } from "./desired/wish.ts";
import { FINALIZER, finalize, letGo, removeIfThere } from "./finalize.ts";
import type { Informers } from "./informers.ts";
import type { KubeApi } from "./kube/api.ts";
import type { Keeper } from "./keeper.ts";
import { standsBack } from "./keeper.ts";
import { hashOf } from "./kube/apply.ts";
import { transitionsOf } from "./kube/conditions.ts";
import type { Next } from "./kube/controller.ts";
import type { EventRecorder } from "./kube/events.ts";
import { isConflict, messageOf } from "./kube/errors.ts";
import { Normalised } from "./kube/normalised.ts";
import type { KubeObject } from "./kube/object.ts";
import { RESOURCES, resourceOf, keyOf } from "./kube/object.ts";
import type { Observed } from "./observed.ts";
import { claimed, relabelling } from "./kept.ts";
import { lastWish } from "./last-wish.ts";
import { blockedMessage, blockedStatus } from "./left-behind.ts";
import type { Plan } from "./plan.ts";
import { planOf } from "./plan.ts";
import { stuckServers } from "./serving.ts";
import { failedStatus, refusedStatus, statusOf } from "./status.ts";
import { SpecError, wishOf } from "./wish-of.ts";

export interface ReconcileOptions {
  readonly api: KubeApi;
  readonly informers: Informers;
  readonly backends: BackendWatch;
  readonly events: EventRecorder;
  readonly clock: Clock;
  readonly version: string;
  readonly operator: Wish["operator"];
  readonly resyncMs: number;
  readonly keeper: Keeper;
  readonly removeData: (wish: Wish) => Promise<void>;
  /** Open sockets, as the connector pods tell; undefined where none answers. */
  readonly askPods: (observed: Observed) => Promise<Live>;
  readonly onApplied: () => void;
  /** The kind of an object that the API server refused. */
  readonly onRefused: (kind: string) => void;
}

/** What a pass did. */
interface Done {
  readonly refused: readonly Refused[];
  /** Deployments and StatefulSets that are others now than those that were seen. */
  readonly changed: readonly KubeObject[];
}
const NOTHING: Done = { refused: [], changed: [] };

/** Conditions whose turning is worth a line in `kubectl describe`. */
const TOLD = new Set([
  "Ready",
  "SpecValid",
  "BackendsReachable",
  "StreamsInSync",
  "SchemaInSync",
  "Reconciled",
  "Paused",
  "Degraded",
]);
/** A deletion that waits for pods is looked at again after this, should no event come. */
const DELETION_MS = 2_000;

/**
 * Level-triggered: reads the whole state, never the event that woke it. Safe to run at any time, and to stop
 * anywhere.
 */
export class Reconciler {
  readonly #options: ReconcileOptions;
  readonly #normalised = new Normalised();
  /** Of each ChatCluster the last: a deletion needs logins whose Secrets may be gone by then. */
  readonly #wishes = new Map<string, Wish>();

  constructor(options: ReconcileOptions) {
    this.#options = options;
  }

  async reconcile(key: string): Promise<Next> {
    const { informers, backends, keeper } = this.#options;
    const found = informers.cluster(key);
    if (found === undefined) {
      await backends.forget(key);
      this.#wishes.delete(key);
      return { afterMs: undefined };
    }
    const other = await keeper.other(found);
    if (other !== undefined) return this.#standBack(key, found, other);
    const cluster = await keeper.claim(found);
    const observed = informers.observe(key);
    if (cluster.metadata.deletionTimestamp !== undefined) return this.#finalize(cluster, observed);
    try {
      return await this.#pass(key, cluster, observed);
    } catch (error) {
      if (!isConflict(error)) await this.#tellFailed(cluster, error);
      throw error;
    }
  }

  async #pass(key: string, cluster: ChatCluster, observed: Observed): Promise<Next> {
    const { backends, resyncMs } = this.#options;
    if (!cluster.spec.paused) await this.#hold(cluster);
    let wish: Wish;
    try {
      wish = await wishOf(cluster, observed, this.#options);
      this.#wishes.set(key, wish);
    } catch (error) {
      if (!(error instanceof SpecError)) throw error;
      const message = [error.message, ...(await this.#keepOn(key, cluster, observed))].join("; ");
      await this.#tellStatus(cluster, refusedStatus(cluster, error.reason, message, this.#now()));
      return { afterMs: resyncMs };
    }
    const { seen, plan, unserved } = this.#planFor(key, wish, observed);
    const { refused, changed } = cluster.spec.paused ? NOTHING : await this.#act(cluster, plan, observed);
    const live = await this.#options.askPods(observed);
    const facts = {
      wish,
      observed,
      backends: seen,
      plan,
      unserved,
      live,
      refused,
      changed,
      now: this.#now(),
    };
    await this.#tellStatus(cluster, statusOf(facts));
    const isRefused = refused.length > 0;
    const afterMs = plan.waitsFor === undefined ? resyncMs : Math.min(resyncMs, backends.againMs(key));
    return { afterMs, isRefused };
  }

  #planFor(key: string, wish: Wish, observed: Observed) {
    const { informers, backends } = this.#options;
    const seen = backends.look(key, wish);
    const whole = planOf(wish, observed, seen);
    const unserved = whole.objects.filter((object) => !informers.serves(resourceOf(object)));
    const objects = whole.objects.filter((object) => !unserved.includes(object));
    return { seen, plan: { ...whole, objects }, unserved };
  }

  /** While its spec cannot be acted on, what the one before asked for is kept; what was refused of that. */
  async #keepOn(key: string, cluster: ChatCluster, observed: Observed): Promise<readonly string[]> {
    const wish = lastWish(this.#wishes.get(key), cluster);
    if (wish === undefined || cluster.spec.paused) return [];
    const { refused } = await this.#act(cluster, this.#planFor(key, wish, observed).plan, observed);
    return refused.length === 0 ? [] : [tellRefused(refused)];
  }

  /** Of two operators that write, each would put back what the other does. */
  async #standBack(key: string, cluster: ChatCluster & KubeObject, other: string): Promise<Next> {
    const { backends, events, keeper, resyncMs } = this.#options;
    await backends.forget(key);
    const note = standsBack(keeper.me, other);
    await events.tell(cluster, { type: "Warning", reason: "KeptByAnother", action: "Reconcile", note });
    return { afterMs: resyncMs };
  }

  #now(): Date {
    return new Date(this.#options.clock.now());
  }

  /** Applies, then removes; while something is refused nothing goes, for it may be what takes its place. */
  async #act(cluster: ChatCluster, plan: Plan, observed: Observed): Promise<Done> {
    const { api, events, onApplied, onRefused } = this.#options;
    const changed: KubeObject[] = [];
    const notApplied = await applyAll(plan.objects, {
      api,
      observed,
      normalised: this.#normalised,
      onChanged: async (wanted, before) => {
        onApplied();
        if (!isWorkload(wanted)) return;
        changed.push(wanted);
        if (before === undefined) return;
        await events.tell(cluster, {
          type: "Normal",
          reason: "Updated",
          action: "Apply",
          note: `${wanted.kind} ${wanted.metadata.name} was brought to what is wanted`,
        });
      },
    });
    const notOurs = await actOnAll(claimed(observed), async (claim) =>
      api.mergePatch(...relabelling(cluster, claim)),
    );
    const refused = [...notApplied, ...notOurs];
    const notGone = await actOnAll(
      [...stuckServers(observed), ...(refused.length > 0 ? [] : plan.removals)],
      async (object) => removeIfThere(api, object),
    );
    const all = [...refused, ...notGone];
    for (const { object } of all) onRefused(object.kind);
    return { refused: all, changed };
  }

  /** A pass that broke off is told where it can be: what was found before stands. */
  async #tellFailed(cluster: ChatCluster, error: unknown): Promise<void> {
    try {
      await this.#tellStatus(cluster, failedStatus(cluster, messageOf(error), this.#now()));
    } catch (second) {
      const message = `a pass failed, and could not be told: ${messageOf(error)}`;
      throw new AggregateError([error, second], message, { cause: second });
    }
  }

  /**
   * Where its data is to go with it, it does not vanish before that was seen to. Else nothing holds it up: it
   * and its namespace go without any operator.
   */
  async #hold(cluster: ChatCluster): Promise<void> {
    const { namespace, name, finalizers = [], resourceVersion } = cluster.metadata;
    const isHeld = finalizers.includes(FINALIZER);
    const isWanted = cluster.spec.deletionPolicy === "Delete";
    if (isHeld === isWanted) return;
    if (isHeld) return letGo(cluster, this.#options.api);
    const metadata = { finalizers: [...finalizers, FINALIZER], resourceVersion };
    await this.#options.api.mergePatch(RESOURCES.chatClusters, namespace, name, { metadata });
  }

  async #finalize(cluster: ChatCluster, observed: Observed): Promise<Next> {
    const { api, backends, removeData } = this.#options;
    const key = keyOf(cluster);
    await backends.forget(key);
    const wish = await wishOf(cluster, observed, this.#options).catch((error: unknown) => {
      if (error instanceof SpecError) return this.#wishes.get(key) ?? error;
      throw error;
    });
    try {
      const waits = await finalize(cluster, observed, { api, removeData, wish });
      return { afterMs: waits === undefined ? undefined : DELETION_MS };
    } catch (error) {
      if (isConflict(error)) throw error; // Somebody wrote in between: the next pass knows more.
      const message = blockedMessage(cluster, messageOf(error));
      await this.#tellStatus(cluster, blockedStatus(cluster, message, this.#now()));
      throw error;
    }
  }

  /** Writes the status where it differs, and an Event for each condition that turned. */
  async #tellStatus(cluster: ChatCluster, told: ChatClusterStatus): Promise<void> {
    const { api, events, keeper } = this.#options;
    const status = { ...told, keeper: keeper.me };
    const before = cluster.status;
    if (before !== undefined && hashOf(before) === hashOf(status)) return;
    const { namespace, name } = cluster.metadata;
    const { apiVersion, kind } = cluster;
    await api.apply(
      RESOURCES.chatClusters,
      { apiVersion, kind, metadata: { name, namespace }, status } as KubeObject,
      { subresource: "status" },
    );
    for (const { type, status: is, reason, message } of transitionsOf(
      before?.conditions ?? [],
      status.conditions,
    )) {
      if (!TOLD.has(type) || is === "Unknown") continue;
      const isGood = (is === "True") !== (type === "Degraded" || type === "Paused");
      const note = `${type} is ${is}: ${message === "" ? reason : message}`;
      await events.tell(cluster, {
        type: isGood || type === "Paused" ? "Normal" : "Warning",
        reason,
        action: "Reconcile",
        note,
      });
    }
  }
}

const isWorkload = ({ kind }: KubeObject): boolean => kind === "Deployment" || kind === "StatefulSet";
