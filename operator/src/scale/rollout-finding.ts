import type { Finding } from "../kube/conditions.ts";
import { yes } from "../kube/conditions.ts";
import type { Rollout } from "./rollout-state.ts";

/** That something changes, and what it waits for. Undefined once all that is left is time. */
export function rollsOut(rollout: Rollout | undefined): Finding | undefined {
  if (rollout === undefined) return undefined;
  const { phase, blockedBy, message } = rollout;
  if (phase === "Done" || phase === "RolledBack") return undefined;
  if (phase === "Soaking" && blockedBy.length === 0) return undefined;
  const gates = blockedBy.map((one) => `${one.gate}: ${one.message}`).join("; ");
  const why = gates === "" ? message : gates;
  return yes("RollingOut", `phase ${phase}${why === "" ? "" : `: ${why}`}`);
}

/** That what the spec asks for was taken back, and what to do about it. */
export function rolledBack(rollout: Rollout | undefined): Finding | undefined {
  if (rollout?.failed === undefined) return undefined;
  if (rollout.phase !== "RolledBack" && rollout.phase !== "RollingBack") return undefined;
  const { version, revision, reason } = rollout.failed;
  const { version: serves } = rollout.from;
  return yes(
    "RolledBack",
    `${reason}; revision ${revision} of version ${version} was taken back, and ${serves} serves: correct the spec, or try again with kubectl chat promote`,
  );
}
