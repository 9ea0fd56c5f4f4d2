import type { DrainMark } from "../drain-mark.ts";
import type { ClusterModel, ModelPod } from "./cluster-model.ts";

/** As the rules have it; a pass may not have seen yet what happened in the last seconds. */
const SETTLED_S = 10;
const REST_S = 5;
const WAIT_MAX_MS = 30_000;
const SEEN_S = 3;

/** A connector that takes devices, and has been ready for too short a time, as anybody could see. */
const unsettled = (model: ClusterModel, but: ModelPod): ModelPod | undefined =>
  model.live().find((pod) => {
    const readyFor = model.now - pod.readySince;
    const takes = pod !== but && pod.mark === undefined && pod.isReady && model.serves(pod);
    return takes && readyFor >= SEEN_S && readyFor < SETTLED_S - 1;
  });

/** Devices that may as well be told later are told once all has settled. `before`: the mark until now. */
export function checkTold(
  model: ClusterModel,
  pod: ModelPod,
  before: DrainMark | undefined,
  now: number,
): void {
  const isSeenReady = pod.isReady && model.now - pod.readySince >= SEEN_S;
  if (!isSeenReady || pod.devices === 0 || before === undefined || before.deadline !== undefined) return;
  if (model.now - model.wentAt < REST_S)
    model.violate(`${pod.name} is told ${model.now - model.wentAt} s after another one went`);
  const one = unsettled(model, pod);
  const hasWaited = before.turnSince !== undefined && now - before.turnSince >= WAIT_MAX_MS;
  if (one !== undefined && !hasWaited)
    model.violate(`${pod.name} is told, and ${one.name} is ready since ${model.now - one.readySince} s`);
}

export function checkShed(model: ClusterModel, pod: ModelPod): void {
  const one = unsettled(model, pod);
  if (one !== undefined)
    model.violate(`${pod.name} sheds, and ${one.name} is ready since ${model.now - one.readySince} s`);
}
