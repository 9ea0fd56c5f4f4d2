import type { V1ContainerStatus } from "@kubernetes/client-node";
import { LABELS } from "../desired/names.ts";
import type { Observed } from "../observed.ts";
import type { PodObject } from "../pod-object.ts";
import { isPodReady } from "../pod-object.ts";
import { podsRefused } from "../pods-refused.ts";
import { CANNOT_PULL } from "../serving.ts";
import type { Proof } from "./canary-proof.ts";

/** What is known of a canary. One that has not said anything yet is `proving`. */
export interface CanaryVerdict {
  readonly state: "proving" | "proven" | "failed";
  readonly message: string;
}

/** A registry may be away for a moment, and an object that a container needs may come a moment later. */
const WAITS_MS = 60_000;
/** A connector is up within seconds where backends answer. The kubelet ends it after two minutes. */
const READY_MS = 100_000;
/** A backend that is restarted may end a process that has just been started, once. */
const CRASHES = 2;

const CANNOT_START = new Set([
  "CreateContainerConfigError",
  "CreateContainerError",
  "RunContainerError",
  "PostStartHookError",
]);

/** The canary's pod of this revision, the newest if there are several. */
export const canaryPod = (observed: Observed, revision: string): PodObject | undefined =>
  observed
    .ofKind<PodObject>("Pod", "canary")
    .filter(({ metadata, status }) => {
      const hasEnded = status?.phase === "Failed" || status?.phase === "Succeeded";
      const isOurs = metadata.labels?.[LABELS.revision] === revision;
      return isOurs && !hasEnded && metadata.deletionTimestamp === undefined;
    })
    .toSorted((a, b) => timeOf(b.metadata.creationTimestamp) - timeOf(a.metadata.creationTimestamp))[0];

/** The API server's library has dates, the wire has texts. */
const timeOf = (time: Date | string | undefined): number =>
  time === undefined ? 0 : new Date(time).getTime();

const proving = (message: string): CanaryVerdict => ({ state: "proving", message });
const failed = (message: string): CanaryVerdict => ({ state: "failed", message });

/** Since when it has had a node. */
function scheduledAt({ metadata, status }: PodObject): number {
  const scheduled = status?.conditions?.find(
    ({ type, status: is }) => type === "PodScheduled" && is === "True",
  );
  return timeOf(scheduled?.lastTransitionTime ?? metadata.creationTimestamp);
}

/** How often the container has ended, and how the last time; undefined if it has not. */
function crash({ restartCount, lastState, state }: V1ContainerStatus): string | undefined {
  const times = restartCount + (state?.terminated === undefined ? 0 : 1);
  if (times === 0) return undefined;
  const last = state?.terminated ?? lastState?.terminated;
  const code = last === undefined ? "" : `with exit code ${last.exitCode} (${last.reason ?? "Error"})`;
  const how = code === "" ? "" : times === 1 ? `, ${code}` : `, the last time ${code}`;
  const often = times === 1 ? "once" : `${times} times`;
  return `its container has ended ${often}${how}: kubectl logs --previous shows why`;
}

/** Why a pod that is not ready is not, as far as it says. */
function notReady(pod: PodObject, isServed: boolean, now: number): CanaryVerdict {
  const { status } = pod;
  const [container] = status?.containerStatuses ?? [];
  const unscheduled = status?.conditions?.find(
    ({ type, status: is }) => type === "PodScheduled" && is === "False",
  );
  if (unscheduled !== undefined)
    return proving(`no node takes its pod: ${unscheduled.message ?? unscheduled.reason ?? "unknown"}`);
  const { reason = "" } = container?.state?.waiting ?? {};
  const isPull = CANNOT_PULL.has(reason);
  if (isPull || CANNOT_START.has(reason)) {
    // The kubelet alternates between two reasons for the same thing.
    const why = reason === "ErrImagePull" ? "ImagePullBackOff" : reason;
    const image = pod.spec?.containers[0]?.image ?? container?.image ?? "";
    const message = isPull
      ? `its image ${image} cannot be pulled: ${why}`
      : `its container cannot be started: ${why}: ${container?.state?.waiting?.message ?? ""}`;
    return now - scheduledAt(pod) < WAITS_MS ? proving(message) : failed(message);
  }
  const unready = status?.conditions?.find(({ type, status: is }) => type === "Ready" && is === "False");
  const startedAt = timeOf(container?.state?.running?.startedAt);
  // One that was ready has its time again: a node may be busy for a moment.
  const since = startedAt === 0 ? 0 : Math.max(startedAt, timeOf(unready?.lastTransitionTime));
  if (since === 0 || now - since < READY_MS) return proving("its pod starts");
  if (!isServed) return proving("it does not become ready, and no connector that serves is ready either");
  return failed(`it is not ready after ${READY_MS / 1_000} s, while others are`);
}

/** What the canary of a revision has shown: its pod first, then its talks. */
export function verdictOf(
  observed: Observed,
  pod: PodObject | undefined,
  proof: Proof,
  now: number,
): CanaryVerdict {
  if (pod === undefined) {
    const refused = podsRefused(observed).find(({ deployment }) => deployment.endsWith("-canary"));
    return proving(
      refused === undefined ? "its pod is not there yet" : `no pod can be made: ${refused.message}`,
    );
  }
  const [container] = pod.status?.containerStatuses ?? [];
  const ended = container === undefined ? undefined : crash(container);
  if (ended !== undefined && (container?.restartCount ?? 0) >= CRASHES) return failed(ended);
  // What it has shown stays: it need not be ready for ever.
  if (proof.state === "proven") return { state: "proven", message: proof.message };
  // A talk with a process that has ended fails by its connection, which says nothing of the end.
  if (proof.state === "failed")
    return failed(ended === undefined ? proof.message : `${proof.message}; ${ended}`);
  if (isPodReady(pod)) return proving(proof.message);
  const isServed = observed.ofKind<PodObject>("Pod", "connector").some(isPodReady);
  return notReady(pod, isServed, now);
}
