import type { Refused } from "../apply-all.ts";
import type { DesiredInput } from "../desired/desired-input.ts";
import { clusterKeysOf } from "../desired/keys.ts";
import type { KubeApi } from "../kube/api.ts";
import { messageOf } from "../kube/errors.ts";
import type { EventAbout, EventRecorder } from "../kube/events.ts";
import type { KubeObject } from "../kube/object.ts";
import { RESOURCES } from "../kube/object.ts";
import type { Observed } from "../observed.ts";
import type { PodObject } from "../pod-object.ts";
import type { WriteMemory } from "../write-memory.ts";
import type { ConnectorAdmin } from "./ask-connectors.ts";
import type { ShedMark } from "./shed-mark.ts";
import { SHED_ANNOTATION, shedMarkText } from "./shed-mark.ts";
import type { ShedAct } from "./sheds.ts";
import { eachConnector } from "./each-connector.ts";

export interface ShedParts {
  readonly api: Pick<KubeApi, "mergePatch">;
  readonly events: Pick<EventRecorder, "tell">;
  readonly admin: Pick<ConnectorAdmin, "shed">;
  readonly memory: Pick<WriteMemory, "wrote">;
}

const about = (type: EventAbout["type"], reason: string, note: string): EventAbout => ({
  type,
  reason,
  action: "Shed",
  note,
});

async function mark(pod: PodObject, to: ShedMark | null, { api, memory }: ShedParts): Promise<void> {
  const { namespace, name } = pod.metadata;
  const annotations = { [SHED_ANNOTATION]: to === null ? null : shedMarkText(to) };
  const after = await api.mergePatch<KubeObject>(RESOURCES.pods, namespace, name, {
    metadata: { annotations },
  });
  memory.wrote(pod, after);
}

/** A connector that was not told sheds nothing. The next pass, or the next round, tells it again. */
async function order(
  input: DesiredInput,
  pod: PodObject,
  wish: { readonly connections: number; readonly perSecond: number },
  { admin, events }: ShedParts,
): Promise<boolean> {
  try {
    await admin.shed(pod, wish, clusterKeysOf(input.keys));
    return true;
  } catch (error) {
    const what = wish.connections === 0 ? "to keep its devices" : "to send devices to others";
    const note = `${pod.metadata.name} could not be told ${what}: ${messageOf(error)}`;
    await events.tell(input.cluster, about("Warning", "ShedFailed", note));
    return false;
  }
}

async function carryOut(input: DesiredInput, pod: PodObject, act: ShedAct, parts: ShedParts): Promise<void> {
  switch (act.does) {
    case "shed": {
      const { connections, perSecond } = act.mark;
      // The mark first: an operator that ends in between is followed by one that tells nobody else meanwhile.
      await mark(pod, act.mark, parts);
      if (!(await order(input, pod, { connections, perSecond }, parts))) return;
      const note = `${pod.metadata.name} sends ${connections} devices to connectors that have fewer`;
      await parts.events.tell(input.cluster, about("Normal", "ConnectorSheds", note));
      return;
    }
    case "stop":
      // The mark last: it says that devices may still be on their way.
      if (await order(input, pod, { connections: 0, perSecond: 1 }, parts)) await mark(pod, null, parts);
      return;
    case "forget":
      return mark(pod, null, parts);
  }
}

/** Does what the plan says about each pod. Returns the pods whose change the API server refused. */
export async function carryOutSheds(
  input: DesiredInput,
  acts: readonly ShedAct[],
  observed: Observed,
  parts: ShedParts,
): Promise<readonly Refused[]> {
  return eachConnector(acts, observed, async (pod, act) => carryOut(input, pod, act, parts));
}
