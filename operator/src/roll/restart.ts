import type { Refused } from "../apply-all.ts";
import type { DesiredInput } from "../desired/desired-input.ts";
import type { KubeApi } from "../kube/api.ts";
import { isConflict, isNotFound, isRefusal, messageOf } from "../kube/errors.ts";
import type { EventRecorder } from "../kube/events.ts";
import { RESOURCES } from "../kube/object.ts";
import type { Observed } from "../observed.ts";
import type { PodObject } from "../pod-object.ts";
import type { WriteMemory } from "../write-memory.ts";
import type { Roll } from "./next-server.ts";

export interface RestartParts {
  readonly api: Pick<KubeApi, "remove">;
  readonly events: Pick<EventRecorder, "tell">;
  readonly memory: Pick<WriteMemory, "wrote">;
  /** Makes other servers leaders of what this one leads. */
  readonly moveLeaders: (input: DesiredInput, server: string) => Promise<void>;
  readonly now: () => Date;
}

/**
 * Deletes the pod of the server that the roll restarts; the StatefulSet makes it again, of the wanted
 * revision. Returns what the API server refused.
 */
export async function restartServer(
  input: DesiredInput,
  roll: Roll,
  observed: Observed,
  { api, events, memory, moveLeaders, now }: RestartParts,
): Promise<readonly Refused[]> {
  if (roll.does !== "restarts") return [];
  const pod = observed.ofKind<PodObject>("Pod", "nats").find(({ metadata }) => metadata.name === roll.pod);
  if (pod === undefined) return [];
  const { namespace, name, uid } = pod.metadata;
  const about = { action: "Roll" } as const;
  try {
    if (roll.leads) await moveLeaders(input, name);
  } catch (error) {
    // What answered a moment ago does not any more: who else is down has to be asked first.
    const note = `${name} does not restart yet, since it still leads streams: ${messageOf(error)}`;
    await events.tell(input.cluster, { ...about, type: "Warning", reason: "LeadersStay", note });
    return [];
  }
  try {
    await api.remove(RESOURCES.pods, namespace, name, uid);
  } catch (error) {
    if (isNotFound(error) || isConflict(error)) return []; // The next pass sees what is there.
    if (!isRefusal(error)) throw error;
    return [{ object: pod, error }];
  }
  // Until the watch reports it, the next pass would take it for a server that serves.
  memory.wrote(pod, { ...pod, metadata: { ...pod.metadata, deletionTimestamp: now().toISOString() } });
  const note = `${name} restarts with the new template: ${roll.why}`;
  await events.tell(input.cluster, { ...about, type: "Normal", reason: "ServerRestarts", note });
  return [];
}
