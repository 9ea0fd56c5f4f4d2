import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { prepareUws } from "@jichat/testkit/glibc.ts";
import { needChdb, needNats, needRedis } from "@jichat/testkit/needs.ts";
import { exec } from "@jichat/testkit/exec.ts";
import { Part } from "@jichat/testkit/local/part.ts";
import { freePorts } from "@jichat/testkit/local/ports.ts";
import type { StackOptions } from "@jichat/testkit/local/stack.ts";
import { Stack } from "@jichat/testkit/local/stack.ts";

const READY_MS = 30_000;

/** Files are named as in `Stack.secrets`. The texts are used in one fixture and nowhere else. */
export type SecretTexts = Readonly<Record<keyof Stack["secrets"], string>>;

/** A cluster whose parts are started one by one, and whose backends can be read and filled from here. */
export interface LevelStack {
  readonly stack: Stack;
  readonly clickhouseUrl: string;
  destroy(): Promise<void>;
}

/** Starts parts, and resolves once all of them are ready. */
export async function start(...parts: readonly (Part | undefined)[]): Promise<void> {
  for (const part of parts) part?.start();
  await Promise.all(parts.map(async (part) => part?.ready(READY_MS)));
}

/** The same part with additional environment. It is not started yet. */
export const changed = ({ spec }: Part, env: Readonly<Record<string, string>>): Part =>
  new Part({ ...spec, env: { ...spec.env, ...env } });

/** Starts NATS, Redis and ClickHouse, but no component. `secrets` replaces the secrets of the cluster. */
export async function startBackends(
  options: Pick<StackOptions, "env">,
  secrets?: SecretTexts,
): Promise<LevelStack> {
  const [nats, redis, chdbHome] = [await needNats(), await needRedis(), await needChdb()];
  await prepareUws();
  const data = mkdtempSync(join(tmpdir(), "jichat-level-"));
  const [port = 0] = await freePorts(1);
  const clickhouseUrl = `http://127.0.0.1:${port}`;
  const stack = await Stack.plan({ ...options, data, routers: 1, connectors: 1, nats, redis, clickhouseUrl });
  for (const [name, text] of Object.entries(secrets ?? {}))
    writeFileSync(stack.secrets[name as keyof SecretTexts], text, { mode: 0o600 });
  mkdirSync(join(data, "clickhouse"));
  const clickhouse = new Part({
    name: "clickhouse",
    program: process.execPath,
    args: [join(import.meta.dirname, "../clickhouse-front.ts")],
    env: {
      PORT: String(port),
      CHDB_HOME: chdbHome,
      CLICKHOUSE_EMBEDDED_PATH: join(data, "clickhouse"),
    },
    logFile: join(data, "logs/clickhouse.log"),
    port,
  });
  const destroy = async (): Promise<void> => {
    await stack.destroy();
    await clickhouse.kill();
    rmSync(data, { recursive: true, force: true });
  };
  try {
    await start(stack.nats, stack.redis, clickhouse);
  } catch (error) {
    await destroy();
    throw error;
  }
  return { stack, clickhouseUrl, destroy };
}

/** The lines that a command of storage prints. Throws if it ends with an error. */
export async function storageCommand(
  stack: Stack,
  ...args: readonly string[]
): Promise<readonly Readonly<Record<string, unknown>>[]> {
  const { program, args: own, env } = stack.storage.spec;
  const { code, stdout, stderr } = await exec(program, [...own, ...args], {
    env: { ...process.env, ...env, ADMIN_PORT: "0" },
  });
  if (code !== 0) throw new Error(`storage ${args.join(" ")} ends with ${code}:\n${stdout}\n${stderr}`);
  return stdout
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as Readonly<Record<string, unknown>>);
}
