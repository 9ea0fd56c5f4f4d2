import { readFileSync } from "node:fs";

/** Linux counts a process's time in these; `getconf CLK_TCK` says 100 everywhere that matters. */
const TICKS_PER_SECOND = 100;

/** CPU seconds, user and system, that a process has used so far (proc(5), fields 14 and 15 of `stat`). */
export function cpuSeconds(pid: number): number {
  const [, rest = ""] = readFileSync(`/proc/${pid}/stat`, "utf8").split(/\) (.*)/s);
  const fields = rest.split(" ");
  return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND;
}

/** What each process used while `act` ran, per 1,000 of `count`. */
export async function cpuPer1000<T>(
  pids: ReadonlyMap<string, number>,
  act: () => Promise<T>,
  count: (result: T) => number,
): Promise<{ result: T; cpu: Record<string, number> }> {
  const before = new Map([...pids].map(([name, pid]) => [name, cpuSeconds(pid)]));
  const result = await act();
  const used = [...pids].map(([name, pid]): [string, number] => [
    name,
    ((cpuSeconds(pid) - (before.get(name) ?? 0)) * 1_000) / Math.max(1, count(result)),
  ]);
  return { result, cpu: Object.fromEntries(used) };
}
