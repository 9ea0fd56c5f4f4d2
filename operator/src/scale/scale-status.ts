import type { ScaledTold } from "../crd/status.ts";
import type { ScaleDecision, ScaleMemory } from "./autoscaler.ts";

const timeOf = (text: string | undefined): number | undefined => {
  const at = Date.parse(text ?? "");
  return Number.isNaN(at) ? undefined : at;
};
const textOf = (ms: number | undefined): string | undefined =>
  ms === undefined ? undefined : new Date(ms).toISOString();

/** Leaves out what is undefined. */
const known = <T extends object>(fields: { readonly [K in keyof T]: T[K] | undefined }): Partial<T> =>
  Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as Partial<T>;

/** What the next decision needs, as the status has it. */
export const memoryOf = (told: ScaledTold | undefined): ScaleMemory =>
  known<ScaleMemory>({
    lastScaleAt: timeOf(told?.lastScaleTime),
    lowSince: timeOf(told?.fewerSince),
    lowNeed: told?.fewerNeeded,
    missingSince: timeOf(told?.unknownSince),
  });

/**
 * A decision for the status. Its message has figures that change all the time: it stays that of the moment
 * at which the decision became another one, so that not every pass writes the status.
 */
export function scaledTold(
  { desired, reason, message, memory }: ScaleDecision,
  before: ScaledTold | undefined,
  now: number,
): ScaledTold {
  const isSame = before?.desired === desired && before.reason === reason;
  return {
    desired,
    reason,
    message: isSame ? before.message : message,
    since: isSame ? before.since : new Date(now).toISOString(),
    ...known<Omit<ScaledTold, "desired" | "message" | "reason" | "since">>({
      lastScaleTime: textOf(memory.lastScaleAt),
      fewerSince: textOf(memory.lowSince),
      fewerNeeded: memory.lowNeed,
      unknownSince: textOf(memory.missingSince),
    }),
  };
}
