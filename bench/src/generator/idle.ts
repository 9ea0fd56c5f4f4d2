import type { Door, Person } from "./people.ts";
import { gather, leave } from "./people.ts";
import { pause } from "./load.ts";
import { residentBytes } from "./cpu.ts";

export interface IdleArgs {
  readonly door: Door;
  readonly few: number;
  readonly many: number;
  readonly pid: number;
}

/** Long enough for heaps to be collected, and for a heartbeat's sweep. */
const SETTLE_MS = 8_000;

/**
 * Bytes that a process holds for one more connection that says nothing: the difference between `few` and
 * `many`, so that what it holds for itself is not counted.
 */
export async function idle({ door, few, many, pid }: IdleArgs): Promise<{ bytes: number }> {
  const people: Person[] = [];
  const grow = async (to: number, prefix: string): Promise<number> => {
    people.push(...(await gather(door, prefix, to - people.length, () => undefined)));
    await pause(SETTLE_MS);
    return residentBytes(pid);
  };
  const before = await grow(few, "i");
  const after = await grow(many, "j");
  leave(people);
  return { bytes: (after - before) / (many - few) };
}
