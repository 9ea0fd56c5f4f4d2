import { join } from "node:path";
import { ROOT } from "../cache.ts";
import type { Result } from "../exec.ts";
import { exec } from "../exec.ts";
import type { Stack } from "./stack.ts";

/** Runs a command of this checkout's storage, with the environment of the storage in the stack. */
export async function storageCommand({ storage }: Stack, ...args: readonly string[]): Promise<Result> {
  const { program, args: started, env } = storage.spec;
  const main = join(ROOT, "storage/src/main.ts");
  return exec(program, [...started.slice(0, -1), main, ...args], {
    env: { ...process.env, ...env, ADMIN_PORT: "0" },
  });
}

/**
 * Raises the cluster's level to the newest one that this checkout knows, if it is lower. For callers that run
 * every process of the cluster. Throws if the raise is refused.
 */
export async function raiseLevel(stack: Stack): Promise<void> {
  const { adminPort, host = "127.0.0.1" } = stack.storage.spec;
  const said = await fetch(`http://${host}:${adminPort}/level`);
  const { known, cluster } = (await said.json()) as { readonly known: number; readonly cluster: number };
  if (cluster >= known) return;
  const { code, stderr } = await storageCommand(stack, "level", String(known));
  if (code !== 0) throw new Error(`the cluster's level was not raised to ${known}: ${stderr.trim()}`);
}
