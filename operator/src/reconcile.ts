import type { Clock } from "@jichat/protocol/clock.ts";
import type { Fault } from "@jichat/protocol/faults.ts";
import { LEVEL_KNOWN } from "@jichat/protocol/level.ts";
import type { Done } from "./act.ts";
import { NOTHING, act } from "./act.ts";
import { tellRefused } from "./apply-all.ts";
import type { Asks, Live } from "./ask-pods.ts";
import type { BackendWatch } from "./backend-watch.ts";
import type { ChatCluster } from "./crd/definition.ts";
import { encodeKeys } from "./desired/keys.ts";
import { advanced, livesOf } from "./desired/rotation.ts";
import type { DecisionMemory } from "./decision-memory.ts";
import type { DesiredInput } from "./desired/desired-input.ts";
import { mergedFaults } from "./faults.ts";
import { finalize, hold } from "./finalize.ts";
import type { Informers } from "./informers.ts";
import type { KubeApi } from "./kube/api.ts";
import { KeyMemory } from "./key-memory.ts";
import type { Keeper } from "./keeper.ts";
import { standsBack } from "./keeper.ts";
import type { Finding } from "./kube/conditions.ts";
import type { Next } from "./kube/controller.ts";
import type { EventRecorder } from "./kube/events.ts";
import { isConflict, messageOf } from "./kube/errors.ts";
import { Normalised } from "./kube/normalised.ts";
import type { KubeObject } from "./kube/object.ts";
import { resourceOf, keyOf } from "./kube/object.ts";
import type { Observed } from "./observed.ts";
import { AUTOSCALE_MS, againMs } from "./again.ts";
import { lastInput } from "./last-input.ts";
import { blockedMessage, blockedStatus } from "./left-behind.ts";
import { ORPHAN_MS, Orphans } from "./orphans.ts";
import type { BackendsSeen, Plan } from "./plan.ts";
import type { RaiseLevel } from "./raise-level.ts";
import { raiseWhereItMay } from "./raise-level.ts";
import { planOf } from "./plan.ts";
import type { RestartParts } from "./roll/restart.ts";
import type { Rolls } from "./roll/rolls.ts";
import type { RolloutJudges } from "./rollouts.ts";
import { Rollouts } from "./rollouts.ts";
import { wayOf } from "./rotation-way.ts";
import { failedStatus, refusedStatus, statusOf } from "./status.ts";
import { tellStatus } from "./tell-status.ts";
import { edgeOf } from "./talk/edge.ts";
import { talkFinding, whyNotTalked } from "./talk/finding.ts";
import type { Edge, TalkWatch } from "./talk/talk-watch.ts";
import type { InputOptions } from "./input-of.ts";
import { inputOf } from "./input-of.ts";
import { SpecError } from "./named-objects.ts";
import type { PodMetrics } from "./pod-metrics.ts";
import type { ConnectorAdmin } from "./scale/ask-connectors.ts";
import { autoscalerOf, withScale } from "./scale/autoscale.ts";
import { connectorsTold } from "./scale/read-fleet.ts";
import { WriteMemory } from "./write-memory.ts";

export interface ReconcileOptions {
  readonly api: KubeApi;
  readonly informers: Informers;
  readonly backends: BackendWatch;
  readonly events: EventRecorder;
  readonly clock: Clock;
  readonly version: string;
  readonly operator: DesiredInput["operator"];
  readonly resyncMs: number;
  readonly keeper: Keeper;
  readonly removeData: (input: DesiredInput) => Promise<void>;
  /** Asks the pods themselves. */
  readonly askPods: (observed: Observed, asks: Asks) => Promise<Live>;
  readonly raiseLevel: RaiseLevel;
  readonly connectors: ConnectorAdmin;
  readonly rolls: Rolls;
  readonly moveLeaders: RestartParts["moveLeaders"];
  readonly judges: RolloutJudges;
  /** How many ChatClusters move their devices to a new revision at once. */
  readonly rolloutsAtOnce: number;
  readonly talks: TalkWatch;
  readonly decisions: DecisionMemory;
  readonly onApplied: () => void;
  /** Called with the kind of an object that the API server refused. */
  readonly onRefused: (kind: string) => void;
}

/** A deletion that waits for pods is checked again after this time, even without an event. */
const DELETION_MS = 2_000;
/**
 * Level-triggered: a pass reads the whole state, never the event that started it. It is safe to run at any
 * time, and to stop at any point.
 */
export class Reconciler {
  readonly #options: ReconcileOptions;
  readonly #normalised = new Normalised();
  readonly #memory = new WriteMemory();
  readonly #orphans: Orphans;
  readonly #keyMemory = new KeyMemory();
  readonly #rollouts: Rollouts;
  /** The last input of each ChatCluster. A deletion needs logins whose Secrets may be gone by then. */
  readonly #inputs = new Map<string, DesiredInput>();

  constructor(options: ReconcileOptions) {
    this.#options = options;
    this.#orphans = new Orphans(options.clock);
    this.#rollouts = new Rollouts(options);
  }

  get #known(): InputOptions {
    return { ...this.#options, keyMemory: this.#keyMemory };
  }

  async reconcile(key: string): Promise<Next> {
    const { informers, keeper } = this.#options;
    const found = informers.cluster(key);
    if (found === undefined) {
      await this.#forget(key);
      this.#inputs.delete(key);
      this.#keyMemory.forget(key);
      return { afterMs: undefined };
    }
    const other = await keeper.other(found);
    if (other !== undefined) return this.#standBack(key, found, other);
    const cluster = this.#options.decisions.over(await keeper.claim(found));
    const observed = this.#memory.over(informers.observe(key));
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
    if (!cluster.spec.paused) await hold(cluster, this.#options.api);
    let offered: DesiredInput;
    try {
      offered = await inputOf(cluster, observed, this.#known);
    } catch (error) {
      if (!(error instanceof SpecError)) throw error;
      const message = [error.message, ...(await this.#keepOn(key, cluster, observed))].join("; ");
      const told = this.#rollouts.over(cluster);
      await tellStatus(this.#options, told, refusedStatus(told, error.reason, message, this.#now()));
      return { afterMs: resyncMs };
    }
    const seen = backends.look(key, offered);
    const unscaled = cluster.spec.paused ? offered : this.#advanced(key, offered, observed, seen);
    const metrics = await this.#options.connectors.look(observed);
    const autoscaler = autoscalerOf(unscaled, { observed, metrics, now: this.#now().getTime() });
    const input = withScale(unscaled, autoscaler);
    this.#inputs.set(key, input);
    const { plan, unserved } = await this.#planFor(input, observed, seen, metrics);
    const { refused, changed } = cluster.spec.paused ? NOTHING : await this.#act(input, plan, observed);
    const { live, isOpen } = await this.#ask(key, input, observed, { ...seen, metrics });
    const talk = this.#talk(
      key,
      input,
      observed,
      edgeOf(input, observed, seen, { faults: live.faults, revision: plan.fleet?.current }),
    );
    const now = this.#now();
    const done = { plan, unserved, refused, changed };
    const level = await raiseWhereItMay(
      { input, observed, backends: seen, ...done, live },
      this.#options.raiseLevel,
    );
    backends.raised(key, level.level);
    const facts = { input, observed, backends: seen, ...done, live, talk, level, now };
    const status = statusOf({ ...facts, ...(autoscaler === undefined ? {} : { autoscaler }) });
    await tellStatus(this.#options, cluster, status);
    this.#options.decisions.wrote(cluster, status);
    const isRefused = refused.length > 0;
    const isRotating = input.keys.coming !== undefined || seen.users?.state === "late";
    const waits = plan.waitsFor !== undefined || isRotating;
    const afterMs = Math.min(
      // Nothing of it is carried out while it is paused.
      cluster.spec.paused ? resyncMs : againMs(plan, resyncMs),
      waits ? backends.againMs(key) : resyncMs,
      isOpen ? ORPHAN_MS : resyncMs,
      autoscaler === undefined ? resyncMs : AUTOSCALE_MS,
    );
    return { afterMs, isRefused };
  }

  async #planFor(input: DesiredInput, observed: Observed, seen: BackendsSeen, metrics: PodMetrics) {
    const { informers, rolls } = this.#options;
    const now = this.#now().getTime();
    const rollout = await this.#rollouts.look(input, observed, { now, backends: seen, metrics });
    const whole = planOf(input, observed, seen, { told: connectorsTold(now, metrics), rollout });
    const unserved = whole.objects.filter((object) => !informers.serves(resourceOf(object)));
    const objects = whole.objects.filter((object) => !unserved.includes(object));
    const roll = rolls.next(keyOf(input.cluster), input, observed, seen.streams?.fault);
    const plan: Plan = { ...whole, objects, ...(roll === undefined ? {} : { roll }) };
    return { plan, unserved };
  }

  async #act(input: DesiredInput, plan: Plan, observed: Observed): Promise<Done> {
    const { connectors } = this.#options;
    const [memory, normalised] = [this.#memory, this.#normalised];
    const now = (): Date => this.#now();
    return act(input, plan, observed, { ...this.#options, admin: connectors, memory, normalised, now });
  }

  /** Keeps the last valid input in place while the spec cannot be applied. Returns what was refused of it. */
  async #keepOn(key: string, cluster: ChatCluster, observed: Observed): Promise<readonly string[]> {
    const input = lastInput(this.#inputs.get(key), cluster);
    if (input === undefined || cluster.spec.paused) return [];
    const metrics = await this.#options.connectors.look(observed);
    const seen = this.#options.backends.look(key, input);
    const { plan } = await this.#planFor(input, observed, seen, metrics);
    const { refused } = await this.#act(input, plan, observed);
    return refused.length === 0 ? [] : [tellRefused(refused)];
  }

  /** Advances a rotation by one step if its condition is met, and no rollout would be turned back by it. */
  #advanced(key: string, input: DesiredInput, observed: Observed, seen: BackendsSeen): DesiredInput {
    const now = this.#now().getTime();
    const keys = this.#rollouts.isMoving(input.cluster)
      ? input.keys
      : advanced(input.keys, wayOf(input, observed, seen), livesOf(input.cluster), now);
    this.#keyMemory.writes(key, encodeKeys(keys));
    return { ...input, keys };
  }

  /** Asks the pods. A partition that has had no router for long counts as stopped too. */
  async #ask(
    key: string,
    { cluster: { spec } }: DesiredInput,
    observed: Observed,
    { streams, metrics }: Pick<BackendsSeen, "streams"> & { readonly metrics: PodMetrics },
  ): Promise<{ live: Live; isOpen: boolean }> {
    const levels = streams?.level !== undefined && streams.level < LEVEL_KNOWN;
    const live = await this.#options.askPods(observed, { levels, metrics });
    if (spec.hibernate) this.#orphans.forget(key);
    const owned = live.partitionsOwned === undefined ? undefined : new Set(live.partitionsOwned);
    const all = Array.from({ length: spec.partitions }, (_, partition) => partition);
    const { lasting, isOpen } = this.#orphans.see(
      key,
      owned === undefined ? undefined : all.filter((partition) => !owned.has(partition)),
    );
    const orphaned: Fault = { fault: "PartitionStopped", partitions: lasting, why: "no router owns it" };
    return { live: { ...live, faults: mergedFaults([...live.faults, orphaned]) }, isOpen };
  }

  /** Whether people can talk, as far as it is known. Does not talk where it is not supposed to. */
  #talk(key: string, input: DesiredInput, observed: Observed, edge: Edge): Finding {
    const { talks } = this.#options;
    const why = whyNotTalked(input, observed, talks.said(key) !== undefined);
    if (why === undefined) return talkFinding(talks.look(key, edge));
    talks.forget(key);
    return why;
  }

  async #forget(key: string): Promise<void> {
    const { backends, rolls, talks } = this.#options;
    talks.forget(key);
    this.#orphans.forget(key);
    this.#rollouts.forget(key);
    this.#options.decisions.forget(key);
    await Promise.all([backends.forget(key), rolls.forget(key)]);
  }

  /** Stops all work on this ChatCluster: two operators would undo each other's writes. */
  async #standBack(key: string, cluster: ChatCluster & KubeObject, other: string): Promise<Next> {
    const { events, keeper, resyncMs } = this.#options;
    await this.#forget(key);
    this.#keyMemory.forget(key);
    const note = standsBack(keeper.me, other);
    await events.tell(cluster, { type: "Warning", reason: "KeptByAnother", action: "Reconcile", note });
    return { afterMs: resyncMs };
  }

  #now(): Date {
    return new Date(this.#options.clock.now());
  }

  /** Reports a failed pass, where possible. Earlier findings stay. */
  async #tellFailed(cluster: ChatCluster, error: unknown): Promise<void> {
    const said = this.#options.talks.said(keyOf(cluster));
    const talk = said === undefined ? undefined : talkFinding(said);
    try {
      const over = this.#rollouts.over(cluster);
      await tellStatus(this.#options, over, failedStatus(over, messageOf(error), this.#now(), talk));
    } catch (second) {
      const message = `a pass failed, and its status could not be written: ${messageOf(error)}`;
      throw new AggregateError([error, second], message, { cause: second });
    }
  }

  async #finalize(cluster: ChatCluster, observed: Observed): Promise<Next> {
    const { api, removeData } = this.#options;
    const key = keyOf(cluster);
    await this.#forget(key);
    const input = await inputOf(cluster, observed, this.#known).catch((error: unknown) => {
      if (error instanceof SpecError) return this.#inputs.get(key) ?? error;
      throw error;
    });
    try {
      const waits = await finalize(cluster, observed, { api, removeData, input });
      return { afterMs: waits === undefined ? undefined : DELETION_MS };
    } catch (error) {
      if (isConflict(error)) throw error; // Another client wrote in between: the next pass knows more.
      const message = blockedMessage(cluster, messageOf(error));
      await tellStatus(this.#options, cluster, blockedStatus(cluster, message, this.#now()));
      throw error;
    }
  }
}
