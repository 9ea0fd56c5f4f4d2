import type { Condition, ConditionType } from "../crd/status.ts";

/** The result of a pass for one condition. */
export interface Finding {
  readonly status: Condition["status"];
  readonly reason: string;
  readonly message: string;
}

export const yes = (reason: string, message = ""): Finding => ({ status: "True", reason, message });
export const no = (reason: string, message: string): Finding => ({ status: "False", reason, message });
export const unknown = (reason: string, message: string): Finding => ({ status: "Unknown", reason, message });

/** The conditions after a pass. `lastTransitionTime` is when the status changed, not when it was checked. */
export function conditionsOf(
  findings: Readonly<Record<ConditionType, Finding>>,
  before: readonly Condition[],
  generation: number,
  now: Date,
): Condition[] {
  const known = new Map(before.map((condition) => [condition.type, condition]));
  return (Object.entries(findings) as [ConditionType, Finding][]).map(([type, finding]) => {
    const old = known.get(type);
    const lastTransitionTime =
      old?.status === finding.status ? old.lastTransitionTime : now.toISOString().replace(/\.\d+Z$/, "Z");
    return { type, ...finding, observedGeneration: generation, lastTransitionTime };
  });
}

/** The conditions that changed. Each of them becomes an Event. */
export const transitionsOf = (before: readonly Condition[], after: readonly Condition[]): Condition[] => {
  const known = new Map(before.map(({ type, status, reason }) => [type, `${status} ${reason}`]));
  return after.filter(({ type, status, reason }) => known.get(type) !== `${status} ${reason}`);
};
