import type { DrainTold } from "../crd/status.ts";
import { DRAINS_MAX } from "../crd/status.ts";
import type { ConnectorPod, Fleet } from "./fleet.ts";
import { waitOf } from "./settled.ts";

/** `Leaves`: it is out of the Service, or about to be. `Drains`: its devices are told. `Goes`: it is deleted. */
function phaseOf({ mark }: ConnectorPod): DrainTold["phase"] {
  if (mark?.to !== undefined) return "Goes";
  return mark?.deadline === undefined ? "Leaves" : "Drains";
}

const ORDER: readonly DrainTold["phase"][] = ["Goes", "Drains", "Leaves"];

const timeOf = (ms: number): string => new Date(ms).toISOString();

/** The connectors that are to go, the furthest first; as many as a status holds. */
export const drainsTold = (fleet: Fleet): DrainTold[] =>
  fleet.pods
    .flatMap((pod): DrainTold[] => {
      const { mark, connections, name } = pod;
      if (mark === undefined || pod.isEnding) return [];
      const waitsFor = waitOf(pod, fleet);
      return [
        {
          pod: name,
          why: mark.why,
          phase: phaseOf(pod),
          since: timeOf(mark.since),
          ...(mark.deadline === undefined ? {} : { deadline: timeOf(mark.deadline) }),
          ...(connections === undefined ? {} : { connections }),
          ...(waitsFor === undefined ? {} : { waitsFor }),
        },
      ];
    })
    .sort((a, b) => ORDER.indexOf(a.phase) - ORDER.indexOf(b.phase) || (a.pod < b.pod ? -1 : 1))
    .slice(0, DRAINS_MAX);
