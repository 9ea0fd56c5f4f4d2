import type { Plan } from "./plan.ts";
import type { Phase } from "./scale/rollout-state.ts";

/** A rollout goes on at least this often: a slot and what people meet are no events of the API server. */
const ROLLOUT_MS: Partial<Record<Phase, number>> = {
  Preflight: 5_000,
  Migrating: 2_000,
  Canary: 1_000,
  Waiting: 5_000,
  Backends: 1_000,
  Connectors: 1_000,
  Soaking: 5_000,
  RollingBack: 1_000,
};
/** A drain goes on at least this often: what pods report of it is no event of the API server. */
const DRAIN_MS = 1_000;
/** Load is no event either. */
export const AUTOSCALE_MS = 10_000;

/** When what a plan has begun is looked at again, even without an event. */
export const againMs = ({ drains, sheds, rollout }: Plan, resyncMs: number): number =>
  Math.min(
    resyncMs,
    drains.isOpen || sheds.isOpen ? DRAIN_MS : resyncMs,
    rollout === undefined ? resyncMs : (ROLLOUT_MS[rollout.phase] ?? resyncMs),
  );
