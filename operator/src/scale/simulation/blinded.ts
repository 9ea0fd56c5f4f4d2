import type { ConnectorPod, Fleet } from "../fleet.ts";
import type { Guards } from "./guards.ts";

const RESTED_MS = 5_000;

/** What a decision sees if one of its guards is taken out. */
const withoutSheds = (fleet: Fleet): Fleet => ({
  ...fleet,
  pods: fleet.pods.map((pod) => ({ ...pod, shed: undefined, shedLeft: 0 })),
});

const withoutDrains = (fleet: Fleet): Fleet => ({
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

const withoutReadyTimes = (fleet: Fleet): Fleet => ({
  ...fleet,
  pods: fleet.pods.map((pod) => ({ ...pod, readyChangedAt: undefined })),
});

/** As if each turn had come some seconds ago, and no pod were about to end. */
function withoutRest(fleet: Fleet): Fleet {
  const turnSince = fleet.now - RESTED_MS;
  const pods = fleet.pods
    .filter(({ isEnding, mark }) => !isEnding || mark?.goesSince === undefined)
    .map((pod) => (pod.mark === undefined ? pod : { ...pod, mark: { ...pod.mark, turnSince } }));
  return { ...fleet, pods };
}

export function seenByDrains(fleet: Fleet, { drainsApart, settled, rested }: Guards): Fleet {
  const apart = drainsApart ? fleet : withoutSheds(fleet);
  const late = settled ? apart : withoutReadyTimes(apart);
  return rested ? late : withoutRest(late);
}

export function seenBySheds(fleet: Fleet, { shedsApart, shedsSettled }: Guards): Fleet {
  const apart = shedsApart ? fleet : withoutDrains(fleet);
  return shedsSettled ? apart : withoutReadyTimes(apart);
}
