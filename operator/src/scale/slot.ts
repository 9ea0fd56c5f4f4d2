import type { Rollout } from "./rollout-state.ts";
import { isMoving } from "./rollout-state.ts";

/** The rollout of one ChatCluster, as far as it matters to the others. */
export interface Claim {
  readonly key: string;
  readonly rollout: Rollout;
  /** Nothing of it is carried out. */
  readonly isPaused: boolean;
}

/** A rollout that goes back and cannot is a person's to mend. The others do not wait for it for ever. */
const BACK_MS = 600_000;

/** Whether devices move because of it, or would if it had a slot. A person's promotion comes first. */
function isIn({ rollout, isPaused }: Claim, now: number): boolean {
  if (isPaused) return false;
  if (rollout.phase === "RollingBack") return now - Date.parse(rollout.phaseSince) < BACK_MS;
  if (rollout.phase === "Waiting") return rollout.blockedBy.every(({ gate }) => gate !== "Promotion");
  return isMoving(rollout);
}

/**
 * Whether this ChatCluster may move its devices now, beside the others: `max` do at once. Who began has its
 * slot before who waits, and then who waits longest.
 */
export function hasSlot(own: Claim, others: readonly Claim[], max: number, now: number): boolean {
  const claims = [own, ...others.filter(({ key }) => key !== own.key)].filter((claim) => isIn(claim, now));
  const rank = ({ rollout }: Claim): number => Number(!isMoving(rollout));
  const order = claims.sort(
    (a, b) =>
      rank(a) - rank(b) ||
      Date.parse(a.rollout.phaseSince) - Date.parse(b.rollout.phaseSince) ||
      (a.key < b.key ? -1 : 1),
  );
  const at = order.findIndex(({ key }) => key === own.key);
  return at !== -1 && at < max;
}
