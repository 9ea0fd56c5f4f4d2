import { fork } from "node:child_process";
import { join } from "node:path";
import { pin } from "./pin.ts";
import type { Args, Report, Result, TaskName } from "./generator/tasks.ts";

/** The longest load takes half of it; one that is not done by then never will be. */
const LIMIT_MS = 120_000;
const WORKER = join(import.meta.dirname, "generator/worker.ts");

/**
 * Puts a load on, from a process of its own: who measures must not wait for who is measured, nor the other
 * way round. `cpu` is the one it may use; any where it is left out. Rejects after `limitMs`: two
 * minutes.
 */
export async function generate<N extends TaskName>(
  task: N,
  args: Args<N>,
  cpu?: number,
  limitMs = LIMIT_MS,
): Promise<Result<N>> {
  const child = fork(WORKER, { stdio: ["ignore", "inherit", "inherit", "ipc"] });
  if (cpu !== undefined && child.pid !== undefined) await pin([child.pid], cpu);
  const limit = setTimeout(() => {
    child.kill("SIGKILL");
  }, limitMs);
  const report = await new Promise<Report>((resolve, reject) => {
    child.once("message", (what) => {
      resolve(what as Report);
    });
    child.once("exit", (code, signal) => {
      reject(new Error(`the generator ended in ${task}: ${signal ?? `exit code ${code ?? 0}`}`));
    });
    child.send({ task, args });
  }).finally(() => {
    clearTimeout(limit);
  });
  if ("error" in report) throw new Error(`${task}: ${report.error}`);
  return report.result as Result<N>;
}
