import type { ChildProcess } from "node:child_process";
import { fork } from "node:child_process";
import { join } from "node:path";
import { pin } from "./pin.ts";
import type { Args, Report, Result, TaskName } from "./generator/tasks.ts";

/** The longest load takes half of this time. A load that exceeds it will never finish. */
const LIMIT_MS = 120_000;
const WORKER = join(import.meta.dirname, "generator/worker.ts");
const start = (): ChildProcess => fork(WORKER, { stdio: ["ignore", "inherit", "inherit", "ipc"] });

/**
 * Runs a load in a separate process, so that the generator and the servers never wait for each other. `cpu`
 * is the CPU that the process may use; without it, any. Rejects after `limitMs`, two minutes by default.
 */
export async function generate<N extends TaskName>(
  task: N,
  args: Args<N>,
  cpu?: number,
  limitMs = LIMIT_MS,
): Promise<Result<N>> {
  const child = start();
  if (cpu !== undefined && child.pid !== undefined) await pin([child.pid], cpu);
  const [result] = await results(task, [args], [child], limitMs);
  return result as Result<N>;
}

/**
 * Runs a load in one process for each of `shares`, for when a single process would reach the limit of its
 * core.
 */
export async function generateTogether<N extends TaskName>(
  task: N,
  shares: readonly Args<N>[],
  limitMs = LIMIT_MS,
): Promise<readonly Result<N>[]> {
  return results(task, shares, shares.map(start), limitMs);
}

async function results<N extends TaskName>(
  task: N,
  shares: readonly Args<N>[],
  children: readonly ChildProcess[],
  limitMs: number,
): Promise<readonly Result<N>[]> {
  const end = (): void => {
    for (const child of children) child.kill("SIGKILL");
  };
  const limit = setTimeout(end, limitMs);
  let ready = 0;
  const arrive = (): void => {
    ready += 1;
    if (ready % children.length === 0) for (const child of children) child.send("go");
  };
  return Promise.all(children.map(async (child, at) => resultOf(child, task, shares[at], arrive))).finally(
    () => {
      clearTimeout(limit);
      end(); // If one process fails, the others would wait for it.
    },
  );
}

/** The final report of `child`. `onReady` is called each time that it waits for the others. */
async function resultOf<N extends TaskName>(
  child: ChildProcess,
  task: N,
  args: Args<N> | undefined,
  onReady: () => void,
): Promise<Result<N>> {
  const report = await new Promise<Exclude<Report, { isReady: true }>>((resolve, reject) => {
    child.on("message", (what) => {
      const told = what as Report;
      if ("isReady" in told) onReady();
      else resolve(told);
    });
    child.once("exit", (code, signal) => {
      reject(new Error(`the generator ended in ${task}: ${signal ?? `exit code ${code ?? 0}`}`));
    });
    child.send({ task, args });
  });
  if ("error" in report) throw new Error(`${task}: ${report.error}`);
  return report.result as Result<N>;
}
