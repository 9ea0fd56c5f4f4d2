import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import type { TestContext } from "node:test";
import type { Stack } from "@jichat/testkit/local/stack.ts";
import type { ThrowawayOptions } from "@jichat/testkit/local/throwaway.ts";
import { startThrowaway } from "@jichat/testkit/local/throwaway.ts";
import { exec } from "@jichat/testkit/exec.ts";
import { Crowd } from "./crowd.ts";
import type { CrowdOptions } from "./crowd.ts";
import { Ledger } from "./ledger.ts";

const RSS_EVERY_MS = 250;
const RSS_MAX_MB = 400;
/** Higher than for other parts, since the embedded engine has its own caches. */
const STORAGE_RSS_MAX_MB = 2_500;
const TALK_MS = 20_000;

export const sleep = (ms: number): Promise<void> =>
  new Promise((resolve) => {
    setTimeout(resolve, ms);
  });

/**
 * Starts a cluster for this test, and removes it when the test ends, however it ends. `E2E_LOGS=1` prints the
 * ends of its logs.
 */
export async function startStack(t: TestContext, options: ThrowawayOptions = {}): Promise<Stack> {
  const { stack, destroy } = await startThrowaway({ routers: 2, connectors: 3, ...options });
  t.after(async () => {
    if (process.env["E2E_LOGS"] !== undefined) {
      for (const part of stack.parts) t.diagnostic(`--- end of ${part.spec.name}'s log\n${part.logEnd(25)}`);
    }
    await destroy();
  });
  return stack;
}

export interface Scene {
  readonly stack: Stack;
  readonly crowd: Crowd;
  readonly ledger: Ledger;
}
export type Fault = (scene: Scene) => Promise<void>;

interface Play {
  readonly fault: Fault;
  readonly stack: Stack;
  readonly options?: CrowdOptions | undefined;
}

/**
 * Lets the usual crowd talk for 20 s, and until `fault` is over, which begins after a quarter of that time. Then
 * it judges the result.
 */
export async function play(t: TestContext, { fault, stack, options }: Play): Promise<Scene> {
  const ledger = new Ledger();
  const crowd = new Crowd(stack, ledger, options);
  const scene = { stack, crowd, ledger };
  t.after(() => {
    crowd.leave();
  });
  await crowd.arrive();
  const memory = new Memory(stack);
  const acting = sleep(TALK_MS / 4).then(async () => fault(scene));
  await crowd.talkUntil(Promise.all([sleep(TALK_MS), acting]));
  await acting;
  await judge(t, scene, memory);
  return scene;
}

/** Checks I1 to I9 as the crowd's devices saw them, whatever happened meanwhile. */
export async function judgeCrowd(
  t: TestContext,
  { crowd, ledger }: Pick<Scene, "crowd" | "ledger">,
): Promise<void> {
  const settledMs = await crowd.settle();
  await crowd.inspect();
  const violations = ledger.check();
  const [p50, p99, slowest] = [50, 99, 100].map((p) => crowd.answeredMs(p).toFixed(0));
  t.diagnostic(
    `${ledger.acks} acks: p50 ${p50} ms, p99 ${p99} ms, slowest ${slowest} ms; caught up after ${settledMs.toFixed(0)} ms`,
  );
  assert.deepEqual(violations.slice(0, 12), [], `${violations.length} violations`);
  assert.deepEqual(crowd.failures.slice(0, 12), [], "every send is acked in the end");
  assert.deepEqual(ledger.unackedIds.slice(0, 12), []);
}

/** Checks I1 to I10, whatever happened to the cluster before. */
export async function judge(t: TestContext, scene: Scene, memory = new Memory(scene.stack)): Promise<void> {
  await judgeCrowd(t, scene);
  const peaks = memory.stop();
  t.diagnostic(
    `most resident memory: ${[...peaks].map(([name, mb]) => `${name} ${mb.toFixed(0)} MB`).join(", ")}`,
  );
  for (const [name, mb] of peaks) {
    const most = name === "storage" || name === "clickhouse" ? STORAGE_RSS_MAX_MB : RSS_MAX_MB;
    assert.ok(mb <= most, `I8: ${name} held ${mb} MB`);
  }
  scene.crowd.leave();
  await verify(scene.stack);
}

/** Samples the memory of every part during a scene (I8): a single look at the end would miss the peak. */
export class Memory {
  readonly #stack: Stack;
  readonly #peaks = new Map<string, number>();
  readonly #timer: NodeJS.Timeout;

  constructor(stack: Stack) {
    this.#stack = stack;
    this.#timer = setInterval(() => {
      this.#look();
    }, RSS_EVERY_MS).unref();
  }

  stop(): ReadonlyMap<string, number> {
    clearInterval(this.#timer);
    this.#look();
    return this.#peaks;
  }

  #look(): void {
    for (const { spec, pid } of this.#stack.parts)
      this.#peaks.set(spec.name, Math.max(rssMb(pid), this.#peaks.get(spec.name) ?? 0));
  }
}

function rssMb(pid: number | undefined): number {
  const status = pid === undefined ? undefined : `/proc/${pid}/status`;
  // The scene has killed the part, and it is not restarted yet.
  if (status === undefined || !existsSync(status)) return 0;
  return Number(/VmRSS:\s+(\d+)/.exec(readFileSync(status, "utf8"))?.[1] ?? 0) / 1_024;
}

/**
 * I10: ClickHouse equals the log. Only one process can open the embedded engine, so storage stops for this.
 */
export async function verify(stack: Stack): Promise<void> {
  const { spec } = stack.storage;
  await stack.storage.stop(10_000);
  const { code, stdout, stderr } = await exec(spec.program, [...spec.args, "verify"], {
    env: { ...process.env, ...spec.env, ADMIN_PORT: "0" },
  });
  assert.equal(code, 0, `I10: verify says\n${stdout}\n${stderr}`);
}
