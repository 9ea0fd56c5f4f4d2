import type { ConnectorPod, Fleet } from "../src/scale/fleet.ts";

/** A fleet of these pods in which as many are wanted, of revision `new`, except for `but`; for tests. */
export const fleetWith = (pods: readonly ConnectorPod[], but: Partial<Fleet> = {}): Fleet => ({
  now: 0,
  wanted: pods.length,
  currentMax: but.wanted ?? pods.length,
  drainsOld: true,
  isUrgent: false,
  current: "new",
  pods,
  revisions: [],
  deadlineMs: 60_000,
  perSecond: 50,
  ...but,
});
