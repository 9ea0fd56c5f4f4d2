import { ChatError } from "../errors.ts";
import { FRAME_DEPTH_MAX } from "../limits.ts";
import { Path } from "./path.ts";

const path = new Path();

const refuse = (why: string): ChatError => new ChatError("FRAME_MALFORMED", `${path.say()} ${why}`);

function walk(value: unknown, depth: number, nullsMayStand: boolean): void {
  if (typeof value === "string") {
    if (!value.isWellFormed()) throw refuse("has half a surrogate pair");
    return;
  }
  if (value === null && !nullsMayStand) throw refuse("is nil, which is allowed in `body` only");
  if (typeof value !== "object" || value === null) return;
  if (depth > FRAME_DEPTH_MAX) throw refuse(`is nested deeper than ${FRAME_DEPTH_MAX}`);
  if (Array.isArray(value)) {
    for (let i = 0; i < value.length; i += 1) {
      path.enter(i);
      walk(value[i], depth + 1, nullsMayStand);
      path.leave();
    }
    return;
  }
  for (const key in value) {
    path.enter(key);
    if (!key.isWellFormed()) throw refuse("is a key with half a surrogate pair");
    walk((value as Record<string, unknown>)[key], depth + 1, nullsMayStand || key === "body");
    path.leave();
  }
}

/**
 * Checks the rules for a whole frame, including fields that no reader uses. Text is well-formed, nesting is
 * bounded, and nil stands in `body` only, unless `nullsMayStand` (JSON has always allowed it). Throws
 * FRAME_MALFORMED.
 */
export function checkWhole(value: unknown, nullsMayStand: boolean): void {
  path.clear();
  walk(value, 1, nullsMayStand);
}
