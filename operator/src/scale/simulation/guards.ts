/**
 * What keeps devices from noticing. The simulation takes out one at a time, mostly by showing the decision
 * something else than what is, and must notice.
 */
export interface Guards {
  /** Devices are told to go only once no EndpointSlice has their pod as ready. */
  readonly outOfService: boolean;
  /** A pod is drained only if as many as are wanted serve without it. */
  readonly keepersReady: boolean;
  /** Devices are told once connectors that take them have been ready for a while. */
  readonly settled: boolean;
  /** So are devices that are shed. */
  readonly shedsSettled: boolean;
  /** And some time after the last pod went. */
  readonly rested: boolean;
  /** One drain at a time. */
  readonly oneAtATime: boolean;
  /** A pod goes when it has no devices left, and not before. */
  readonly emptyFirst: boolean;
  /** The victim has the lowest deletion cost, so that its controller deletes it and no other. */
  readonly deletionCost: boolean;
  /** A pod says to which replicas it is released: an old state seen once more lowers nothing. */
  readonly releasedTo: boolean;
  /** A pod in whose place another one went serves again. */
  readonly verify: boolean;
  /** Old pods come back into the Service if the new ones fail. */
  readonly undo: boolean;
  /** A pod that forgot its drain, or never heard of it, is told again. */
  readonly tellAgain: boolean;
  /** Connectors that have more than their share send devices to others. */
  readonly sheds: boolean;
  /** Others shed once those that do are done, also after their operator has ended. */
  readonly roundByRound: boolean;
  /** Nobody is told to shed while devices move for another reason. */
  readonly shedsApart: boolean;
  /** Those that shed are told to stop before a drain begins, and it waits until they have heard of it. */
  readonly drainsApart: boolean;
  /** Load that is not reported is no reason for fewer connectors. */
  readonly missingMetrics: boolean;
  /** Fewer connectors have to be enough for a while. */
  readonly stabilisation: boolean;
  /** The spec's bounds hold, whatever the load. */
  readonly bounds: boolean;
  /** A canary proves a revision before any device is on it. */
  readonly canaryFirst: boolean;
  /** A closed gate holds the devices where they are. */
  readonly gatesHold: boolean;
  /** A rollout that does not move is taken back. */
  readonly deadline: boolean;
  /** A revision that was given up is not tried again. */
  readonly failedOnce: boolean;
}

export const ALL: Guards = {
  outOfService: true,
  keepersReady: true,
  settled: true,
  shedsSettled: true,
  rested: true,
  oneAtATime: true,
  emptyFirst: true,
  deletionCost: true,
  releasedTo: true,
  verify: true,
  undo: true,
  tellAgain: true,
  sheds: true,
  roundByRound: true,
  shedsApart: true,
  drainsApart: true,
  missingMetrics: true,
  stabilisation: true,
  bounds: true,
  canaryFirst: true,
  gatesHold: true,
  deadline: true,
  failedOnce: true,
};
