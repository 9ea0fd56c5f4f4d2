import { exec } from "@jichat/testkit/exec.ts";

/** Restricts processes, with all their threads and future children, to one CPU (sched_setaffinity). */
export async function pin(pids: readonly number[], cpu: number): Promise<void> {
  for (const pid of pids) {
    const { code, stderr } = await exec("taskset", ["-acp", String(cpu), String(pid)]);
    if (code !== 0)
      throw new Error(
        `process ${pid} could not be pinned to CPU ${cpu}: ${stderr.trim()} (taskset is of util-linux)`,
      );
  }
}
