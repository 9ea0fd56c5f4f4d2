import type { OtherConnector } from "@jichat/presence/announcement.ts";

/** Devices are told to go in steps of this length. */
export const STEP_MS = 250;
/**
 * For so long another connector must have taken devices before devices are sent to it: a kubelet asks every 2
 * s, and then the way to the pod is laid on each node.
 */
export const SETTLED_MS = 3_000;
const SECOND_MS = 1_000;
const GRACE_MS = 5_000;
const LEAST_GRACE_MS = 1_000;
/** Without a rate, devices leave over this share of the time. The rest is for those that are slow. */
const EVEN_SHARE = 0.8;
/** Announcements are this old at most. Devices that were told since then are not counted in them. */
export const UNSEEN_MS = 3_000;

/** How long a device may stay after the time at which it was told to reconnect. Then it is closed. */
export const graceOf = (drainMs: number): number =>
  Math.max(Math.min(LEAST_GRACE_MS, drainMs), Math.min(GRACE_MS, drainMs / 4));

/** The time of a drain that is left over when all devices are told at this rate, and have their grace. */
export function spareMs(drainMs: number, devices: number, perSecond: number | undefined): number {
  if (perSecond === undefined) return 0;
  return Math.max(0, drainMs - (SECOND_MS * devices) / perSecond - 2 * graceOf(drainMs));
}

/**
 * The longest wait for a connector that takes the devices: as long as they can still be told afterwards at
 * this rate, and never less than half of the time.
 */
export const waitMsMax = (drainMs: number, devices: number, perSecond: number | undefined): number =>
  Math.max(drainMs / 2, spareMs(drainMs, devices, perSecond));

/** Without a rate: when the last device is to be told, in milliseconds from now. */
export const evenSpreadMs = (drainMs: number): number => EVEN_SHARE * (drainMs - graceOf(drainMs));

export interface Own {
  readonly connector: string;
  readonly revision: string;
  readonly startedAt: number;
}

/**
 * The others that take devices of this connector: they have accepted for `SETTLED_MS`, and are of its
 * revision or were started after it. A build that says nothing of itself counts. `now` is by the cluster's
 * clock.
 */
export const successorsOf = (
  own: Own,
  others: readonly OtherConnector[],
  now: number,
): readonly OtherConnector[] =>
  others.filter(({ connector, says }) => {
    if (connector === own.connector) return false;
    if (says === undefined) return true;
    const isSettled = says.acceptsSince > 0 && now - says.acceptsSince >= SETTLED_MS;
    return isSettled && (says.revision === own.revision || says.startedAt > own.startedAt);
  });

/** Places that are free in other connectors; Infinity if one of them does not say. */
export const placesIn = (others: readonly OtherConnector[]): number =>
  others.reduce(
    (sum, { says }) => sum + (says === undefined ? Infinity : Math.max(0, says.socketsMax - says.sockets)),
    0,
  );

/** What is known at the beginning of a step. */
export interface Standing {
  /** Devices that have not been told. */
  readonly untold: number;
  /** Devices that were told within the last second. */
  readonly toldInSecond: number;
  /** Devices that were told within the last `UNSEEN_MS`. */
  readonly toldUnseen: number;
  /** Milliseconds until the last device is to be told. It counts only without a rate. */
  readonly evenLeftMs: number;
  readonly perSecond: number | undefined;
  /** Places in the others; undefined if nobody can know: then only the rate counts. */
  readonly places: number | undefined;
}

/** How many devices are told in this step. Never more than the rate allows in any second. */
export function toldNow(standing: Standing): number {
  const { untold, toldInSecond, toldUnseen, evenLeftMs, perSecond, places = Infinity } = standing;
  const wanted =
    perSecond === undefined
      ? Math.ceil(untold / Math.max(1, Math.floor(evenLeftMs / STEP_MS) + 1))
      : Math.min(Math.ceil((perSecond * STEP_MS) / SECOND_MS), perSecond - toldInSecond);
  return Math.max(0, Math.min(untold, wanted, places - toldUnseen));
}

/** The delay for each of the devices of one step, evenly within it, in milliseconds. */
export const delaysOf = (devices: number): readonly number[] =>
  Array.from({ length: devices }, (_, index) => Math.floor((STEP_MS * index) / devices));
