import type { Refused } from "./apply-all.ts";
import { actOnAll, applyAll } from "./apply-all.ts";
import type { DesiredInput } from "./desired/desired-input.ts";
import { removeIfThere } from "./finalize.ts";
import { claimed, relabelling } from "./kept.ts";
import type { KubeApi } from "./kube/api.ts";
import { isForbidden } from "./kube/errors.ts";
import type { EventRecorder } from "./kube/events.ts";
import type { Normalised } from "./kube/normalised.ts";
import type { KubeObject } from "./kube/object.ts";
import { RESOURCES } from "./kube/object.ts";
import type { Observed } from "./observed.ts";
import type { Plan } from "./plan.ts";
import { waitingServers } from "./rotation-way.ts";
import type { ConnectorAdmin } from "./scale/ask-connectors.ts";
import { carryOutSheds } from "./scale/carry-out-sheds.ts";
import { carryOut } from "./scale/carry-out.ts";
import { stuckServers } from "./serving.ts";
import type { WriteMemory } from "./write-memory.ts";

/** The result of the writes of one pass. */
export interface Done {
  readonly refused: readonly Refused[];
  /** Deployments and StatefulSets that this pass changed. */
  readonly changed: readonly KubeObject[];
}
export const NOTHING: Done = { refused: [], changed: [] };

export interface ActParts {
  readonly api: KubeApi;
  readonly events: Pick<EventRecorder, "tell">;
  readonly normalised: Normalised;
  readonly admin: ConnectorAdmin;
  readonly memory: WriteMemory;
  readonly onApplied: () => void;
  /** Called with the kind of an object that the API server refused. */
  readonly onRefused: (kind: string) => void;
}

/**
 * Applies the plan's objects, then removes the old ones. If any object is refused, nothing is removed, since
 * the refused object may be the replacement.
 */
export async function act(
  input: DesiredInput,
  plan: Plan,
  observed: Observed,
  { api, events, admin, memory, normalised, onApplied, onRefused }: ActParts,
): Promise<Done> {
  const { cluster } = input;
  const changed: KubeObject[] = [];
  const notApplied = await applyAll(plan.objects, {
    api,
    observed,
    normalised,
    onChanged: async (wanted, before, after) => {
      onApplied();
      if (before !== undefined && isWorkload(wanted)) memory.wrote(before, after);
      if (!isWorkload(wanted)) return;
      changed.push(wanted);
      if (before === undefined) return;
      await events.tell(cluster, {
        type: "Normal",
        reason: "Updated",
        action: "Apply",
        note: `${wanted.kind} ${wanted.metadata.name} was changed to match the spec`,
      });
    },
  });
  const notOurs = await actOnAll(claimed(observed), async (claim) =>
    api.mergePatch(...relabelling(cluster, claim)),
  );
  const servers = waitingServers(input, observed, plan.objects);
  const notWoken = await actOnAll(
    servers.map(({ pod }) => pod),
    async ({ metadata: { namespace, name } }) => {
      const { patch } = servers.find(({ pod }) => pod.metadata.name === name) ?? { patch: {} };
      await api.mergePatch(RESOURCES.pods, namespace, name, patch);
    },
  );
  // Sheds end before a drain begins: both have the same rate.
  const notShed = await carryOutSheds(input, plan.sheds.acts, observed, { api, events, admin, memory });
  const notDrained = await carryOut(input, plan.drains.acts, observed, { api, events, admin, memory });
  // The chart may be older than this image, and not allow this. The kubelet then finds the change by itself.
  const refused = [
    ...notApplied,
    ...notOurs,
    ...notShed,
    ...notDrained,
    ...notWoken.filter(({ error }) => !isForbidden(error)),
  ];
  const notGone = await actOnAll(
    [...stuckServers(observed), ...(refused.length > 0 ? [] : plan.removals)],
    async (object) => removeIfThere(api, object),
  );
  const all = [...refused, ...notGone];
  for (const { object } of all) onRefused(object.kind);
  return { refused: all, changed };
}

const isWorkload = ({ kind }: KubeObject): boolean => kind === "Deployment" || kind === "StatefulSet";
