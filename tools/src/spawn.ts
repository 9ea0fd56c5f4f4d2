import { spawn } from "node:child_process";
import { join } from "node:path";
import { ROOT } from "@jichat/testkit/cache.ts";

/**
 * Runs one of our programs to its end, and passes on signals and its exit status. `path` is relative to the
 * root.
 */
export async function become(path: string): Promise<void> {
  const child = spawn(process.execPath, [join(ROOT, path)], { stdio: "inherit" });
  for (const signal of ["SIGINT", "SIGTERM"] as const)
    process.once(signal, () => {
      child.kill("SIGTERM");
    });
  process.exitCode = await new Promise<number>((resolve) => {
    child.once("exit", (code) => {
      resolve(code ?? 1);
    });
  });
}
