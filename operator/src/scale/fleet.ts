import type { DrainState } from "@jichat/protocol/drain.ts";
import type { DrainMark } from "./drain-mark.ts";
import type { ShedMark } from "./shed-mark.ts";

/** A connector's pod, as far as it matters for who goes and when. */
export interface ConnectorPod {
  readonly name: string;
  readonly revision: string;
  /** Undefined while it is not scheduled. */
  readonly node: string | undefined;
  /** Its container runs, so it may have devices. */
  readonly isRunning: boolean;
  readonly isReady: boolean;
  /** Time of day, in ms, since when it is ready, or is not; undefined if nobody says so. */
  readonly readyChangedAt: number | undefined;
  /** It is being deleted. */
  readonly isEnding: boolean;
  /** It has the label that the Service selects. */
  readonly isRouted: boolean;
  /** An EndpointSlice of the Service still has it as ready. */
  readonly isInService: boolean;
  readonly mark: DrainMark | undefined;
  /** Open sockets; undefined if it does not say. */
  readonly connections: number | undefined;
  /** Undefined if it does not answer, or is of a version that cannot say. */
  readonly drain: DrainState | undefined;
  /** It was told to send some of its devices to others. */
  readonly shed: ShedMark | undefined;
  /** Of these, devices that it has not told yet; undefined if it does not say. */
  readonly shedLeft: number | undefined;
}

/** One revision's Deployment. */
export interface Revision {
  readonly name: string;
  /** As the API server has them. */
  readonly replicas: number;
  /** The pods that its controller counts; those that are being deleted are not among them. */
  readonly counted: number;
  /** The controller has seen the present replicas. */
  readonly isSeen: boolean;
}

/** The connectors of one ChatCluster at one moment: everything that a decision about them rests on. */
export interface Fleet {
  /** Time of day, in ms. */
  readonly now: number;
  /** How many connectors are wanted. */
  readonly wanted: number;
  /** How many pods the current revision may have: fewer than are wanted while it proves itself. */
  readonly currentMax: number;
  /** Whether the rollout lets devices of old revisions go. Those that were told go on. */
  readonly drainsOld: boolean;
  /** What fails is taken back: nothing is waited for that could be done without. */
  readonly isUrgent: boolean;
  /** The revision that the spec asks for. */
  readonly current: string;
  readonly pods: readonly ConnectorPod[];
  readonly revisions: readonly Revision[];
  readonly deadlineMs: number;
  /** Devices that may be told to go in one second, over all connectors. */
  readonly perSecond: number;
}

/** Pods that stay unless somebody decides otherwise. */
export const keepersOf = (pods: readonly ConnectorPod[]): readonly ConnectorPod[] =>
  pods.filter(({ isEnding, mark }) => !isEnding && mark === undefined);
