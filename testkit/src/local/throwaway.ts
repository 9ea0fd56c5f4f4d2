import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { prepareUws } from "../glibc.ts";
import { needChdb, needNats, needRedis } from "../needs.ts";
import type { StackOptions } from "./stack.ts";
import { Stack } from "./stack.ts";

export interface ThrowawayOptions extends Partial<StackOptions> {
  /** Called when the ports are known and nothing runs yet. */
  readonly onPlanned?: (stack: Stack) => void | Promise<void>;
}

/** Tests and benchmarks sign tokens themselves, for people who never signed up, and write to such people. */
const TOKENS_WITHOUT_ACCOUNTS = { PEOPLE_MUST_EXIST: "no" };

/**
 * Starts a cluster with its own folder, and waits until it is ready. `destroy` removes all of it. By default
 * there is one of each part.
 */
export async function startThrowaway({ onPlanned, ...options }: ThrowawayOptions = {}): Promise<{
  stack: Stack;
  destroy: () => Promise<void>;
}> {
  const [nats, redis, chdbHome] = [await needNats(), await needRedis(), await needChdb()];
  await prepareUws();
  const data = mkdtempSync(join(tmpdir(), "jichat-throwaway-"));
  const env = { ...options.env, "*": { ...TOKENS_WITHOUT_ACCOUNTS, ...options.env?.["*"] } };
  const stack = await Stack.plan({ data, routers: 1, connectors: 1, nats, redis, chdbHome, ...options, env });
  const destroy = async (): Promise<void> => {
    await stack.destroy();
    rmSync(data, { recursive: true, force: true });
  };
  try {
    await onPlanned?.(stack);
    await stack.start();
  } catch (error) {
    await destroy();
    throw error;
  }
  return { stack, destroy };
}
