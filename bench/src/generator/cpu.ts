import { readFileSync } from "node:fs";

/** The unit of process times in Linux. `getconf CLK_TCK` is 100 on all common platforms. */
const TICKS_PER_SECOND = 100;

/** The CPU seconds, user and system, that a process has used so far (proc(5), fields 14 and 15 of `stat`). */
function cpuSeconds(pid: number): number {
  const [, rest = ""] = readFileSync(`/proc/${pid}/stat`, "utf8").split(/\) (.*)/s);
  const fields = rest.split(" ");
  return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND;
}

export type Pids = Readonly<Record<string, number>>;
export type Usage = Readonly<Record<string, number>>;

/** Starts counting. The returned function gives the CPU seconds that each process has used since. */
export function countCpu(pids: Pids): () => Usage {
  const look = (): readonly (readonly [string, number])[] =>
    Object.entries(pids).map(([name, pid]) => [name, cpuSeconds(pid)]);
  const before = Object.fromEntries(look());
  return () => Object.fromEntries(look().map(([name, now]) => [name, now - (before[name] ?? 0)]));
}

const statusBytes = (pid: number, field: "VmRSS" | "VmHWM"): number =>
  1_024 *
  Number(new RegExp(`${field}:\\s+(\\d+)`).exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1] ?? 0);
/** Resident bytes of a process (proc(5), `VmRSS`). */
export const residentBytes = (pid: number): number => statusBytes(pid, "VmRSS");
/** The most resident bytes that a process has had so far (`VmHWM`). */
export const peakResidentBytes = (pid: number): number => statusBytes(pid, "VmHWM");
