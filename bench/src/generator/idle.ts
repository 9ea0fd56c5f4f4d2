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

/** Long enough for a garbage collection and a heartbeat's sweep. */
const SETTLE_MS = 8_000;

/**
 * The bytes that a process holds for each further idle connection. It is the difference between `few` and
 * `many` connections, so the process's own memory does not count.
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
