import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { needNats, needRedis } from "../needs.ts";
import { natsServer, redisServer } from "./backends.ts";
import type { PartSpec } from "./part.ts";
import { Part } from "./part.ts";
import { freePorts } from "./ports.ts";

const READY_MS = 20_000;
const HOST = "127.0.0.1";

/** Backends only, without components, on this machine and its one disk. */
export interface Servers {
  readonly parts: readonly Part[];
  /** The URL of each server, in the order of `parts`. */
  readonly urls: readonly string[];
  /** Kills the servers, and deletes their data. */
  destroy(): Promise<void>;
}

/**
 * Starts `count` nats-servers with `sync_interval: always`; several form a cluster. They accept connections
 * when this resolves, but the leader's election may still run.
 */
export async function startNatsServers(count: 1 | 3): Promise<Servers> {
  const program = await needNats();
  const ports = await freePorts(2 * count);
  const routes = ports.slice(count).map((port) => `nats://${HOST}:${port}`);
  return start("nats", (folder) =>
    routes.map((_, i) => {
      const name = `nats-${i + 1}`;
      const cluster = { name: "local", port: ports[count + i] ?? 0, routes };
      return natsServer({
        name,
        program,
        folder: join(folder, name),
        host: HOST,
        port: ports[i] ?? 0,
        logFile: join(folder, `${name}.log`),
        ...(count === 1 ? {} : { cluster }),
      });
    }),
  );
}

/** Starts one redis-server. */
export async function startRedisServer(): Promise<Servers> {
  const program = await needRedis();
  const [port = 0] = await freePorts(1);
  return start("redis", (folder) => [
    redisServer({
      name: "redis",
      program,
      folder: join(folder, "data"),
      host: HOST,
      port,
      logFile: join(folder, "redis.log"),
    }),
  ]);
}

async function start(
  scheme: "nats" | "redis",
  specsIn: (folder: string) => readonly PartSpec[],
): Promise<Servers> {
  const folder = mkdtempSync(join(tmpdir(), `jichat-${scheme}-`));
  const parts = specsIn(folder).map((spec) => new Part(spec));
  const destroy = async (): Promise<void> => {
    await Promise.all(parts.map(async (part) => part.kill()));
    rmSync(folder, { recursive: true, force: true });
  };
  try {
    for (const part of parts) part.start();
    await Promise.all(parts.map(async (part) => part.ready(READY_MS)));
  } catch (error) {
    await destroy();
    throw error;
  }
  return { parts, urls: parts.map(({ spec }) => `${scheme}://${HOST}:${spec.port ?? 0}`), destroy };
}
