import type { WriteFrame } from "./client-frame.ts";
import { NOBODY } from "./kind.ts";
import { verbOf } from "./tables.ts";

/**
 * The users that a write writes to or adds to a group. A removal names nobody here: removing an unknown user
 * does no harm.
 */
export const namedBy = (frame: WriteFrame): readonly string[] => verbOf(frame.t).named?.(frame) ?? NOBODY;

/** The number of users that a write adds to a group. Edges limit it by user. */
export const addedBy = (frame: WriteFrame): number =>
  verbOf(frame.t).moves === undefined ? 0 : namedBy(frame).length;
