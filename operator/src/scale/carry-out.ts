import type { Refused } from "../apply-all.ts";
import { clusterKeysOf } from "../desired/keys.ts";
import type { DesiredInput } from "../desired/desired-input.ts";
import { LABELS } from "../desired/names.ts";
import type { KubeApi } from "../kube/api.ts";
import { messageOf } from "../kube/errors.ts";
import type { EventAbout, EventRecorder } from "../kube/events.ts";
import type { KubeObject } from "../kube/object.ts";
import { RESOURCES } from "../kube/object.ts";
import type { Observed } from "../observed.ts";
import type { WriteMemory } from "../write-memory.ts";
import type { ConnectorAdmin } from "./ask-connectors.ts";
import type { DrainMark, Why } from "./drain-mark.ts";
import { DRAIN_ANNOTATION, markText } from "./drain-mark.ts";
import type { Act } from "./drain-act.ts";
import type { PodObject } from "../pod-object.ts";
import { eachConnector } from "./each-connector.ts";

/** A controller deletes the pod with the lowest cost, of those that are ready or not alike. */
const COST_ANNOTATION = "controller.kubernetes.io/pod-deletion-cost";
const COSTS = { marked: "-1000", released: "-2000" } as const;

const REASONS: Readonly<Record<Why, string>> = {
  ScaleIn: "fewer connectors are wanted",
  OldRevision: "a newer revision has taken over",
  Asked: "its drain was asked for",
};

export interface CarryParts {
  readonly api: Pick<KubeApi, "mergePatch">;
  readonly events: Pick<EventRecorder, "tell">;
  readonly admin: Pick<ConnectorAdmin, "drain" | "undrain">;
  readonly memory: Pick<WriteMemory, "wrote">;
}

const normal = (reason: string, note: string): EventAbout => ({
  type: "Normal",
  reason,
  action: "Drain",
  note,
});
const warning = (reason: string, note: string): EventAbout => ({ ...normal(reason, note), type: "Warning" });

/** One pass's work on one pod. What fails is told, and comes again in the next pass. */
class Carrier {
  readonly #input: DesiredInput;
  readonly #pod: PodObject;
  readonly #parts: CarryParts;

  constructor(input: DesiredInput, pod: PodObject, parts: CarryParts) {
    this.#input = input;
    this.#pod = pod;
    this.#parts = parts;
  }

  async carryOut(act: Act): Promise<void> {
    const { name } = this.#pod.metadata;
    switch (act.does) {
      case "mark":
        await this.#patch(act.mark, { [LABELS.routed]: null }, COSTS.marked);
        return this.#tell(normal("ConnectorLeaves", `${name} leaves the Service: ${REASONS[act.mark.why]}`));
      case "route":
        return this.#patch(undefined, { [LABELS.routed]: "true" }, null);
      case "turn":
        return this.#patch(act.mark, {}, COSTS.marked);
      case "tell":
        return this.#drain(act.mark);
      case "release":
        return this.#release(act.mark);
      case "undo":
        return this.#undo(act.isWrong);
    }
  }

  /** Writes the mark first: an operator that ends in between is followed by one that tells it again. */
  async #drain(mark: DrainMark): Promise<void> {
    const { name } = this.#pod.metadata;
    await this.#patch(mark, {}, COSTS.marked);
    const { deadlineSeconds } = this.#input.cluster.spec.drain;
    const order = { deadlineSeconds, perSecond: mark.perSecond ?? 1 };
    try {
      await this.#parts.admin.drain(this.#pod, order, this.#keys);
    } catch (error) {
      await this.#tell(warning("DrainFailed", `${name} could not be told to drain: ${messageOf(error)}`));
    }
  }

  async #release(mark: DrainMark): Promise<void> {
    await this.#patch(mark, {}, COSTS.released);
    if (mark.forced === undefined) return;
    const { name } = this.#pod.metadata;
    const left = mark.forced === 0 ? "it does not answer" : `${mark.forced} devices are still connected`;
    await this.#tell(warning("DrainForced", `${name} goes at its deadline: ${left}`));
  }

  /** It takes devices again before it is in the Service again. If it cannot be told, the next pass tries. */
  async #undo(isWrong: boolean): Promise<void> {
    const { name } = this.#pod.metadata;
    try {
      await this.#parts.admin.undrain(this.#pod, this.#keys);
    } catch (error) {
      return this.#tell(warning("DrainFailed", `${name} could not be told to stay: ${messageOf(error)}`));
    }
    await this.#patch(null, { [LABELS.routed]: "true" }, null);
    const why = isWrong ? "another pod was deleted in its place" : "it is needed";
    await this.#tell((isWrong ? warning : normal)("ConnectorStays", `${name} serves again: ${why}`));
  }

  /** `undefined` leaves the mark as it is, `null` removes it. */
  async #patch(
    mark: DrainMark | undefined | null,
    labels: Readonly<Record<string, string | null>>,
    cost: string | null,
  ): Promise<void> {
    const { namespace, name } = this.#pod.metadata;
    const text = mark === undefined || mark === null ? mark : markText(mark);
    const annotations = {
      ...(text === undefined ? {} : { [DRAIN_ANNOTATION]: text }),
      [COST_ANNOTATION]: cost,
    };
    const metadata = { labels, annotations };
    const after = await this.#parts.api.mergePatch<KubeObject>(RESOURCES.pods, namespace, name, { metadata });
    this.#parts.memory.wrote(this.#pod, after);
  }

  get #keys(): readonly string[] {
    return clusterKeysOf(this.#input.keys);
  }

  async #tell(event: EventAbout): Promise<void> {
    await this.#parts.events.tell(this.#input.cluster, event);
  }
}

/** Does what the plan says about each pod. Returns the pods whose change the API server refused. */
export async function carryOut(
  input: DesiredInput,
  acts: readonly Act[],
  observed: Observed,
  parts: CarryParts,
): Promise<readonly Refused[]> {
  return eachConnector(acts, observed, async (pod, act) => new Carrier(input, pod, parts).carryOut(act));
}
