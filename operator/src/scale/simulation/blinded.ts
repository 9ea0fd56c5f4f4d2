import type { ConnectorPod, Fleet } from "../fleet.ts";

/** What a decision sees if one of its guards is taken out. */
export const withoutSheds = (fleet: Fleet): Fleet => ({
  ...fleet,
  pods: fleet.pods.map((pod) => ({ ...pod, shed: undefined, shedLeft: 0 })),
});

export const withoutDrains = (fleet: Fleet): Fleet => ({
  ...fleet,
  pods: fleet.pods
    .filter(({ isEnding, mark }) => !isEnding && mark === undefined)
    .map((pod) => ({ ...pod, drain: "none", revision: fleet.current })),
});

export function withoutTo(pod: ConnectorPod): ConnectorPod {
  if (pod.mark?.to === undefined) return pod;
  const { to: _, ...mark } = pod.mark;
  return { ...pod, mark };
}
