import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { needNats } from "../needs.ts";
import { NATS_GOGC } from "./heaps.ts";
import { Part } from "./part.ts";
import { freePorts } from "./ports.ts";

/** nats-servers of one cluster on this machine and its one disk. */
export interface NatsCluster {
  readonly parts: readonly Part[];
  /** Of each server, in the order of `parts`. */
  readonly urls: readonly string[];
  /** Kills them, and takes what they stored away. */
  destroy(): Promise<void>;
}

/** Starts so many, each with `sync_interval: always`. They take connections; a leader is elected meanwhile. */
export async function startNatsCluster(servers: 1 | 3): Promise<NatsCluster> {
  const { path, env } = await needNats();
  const folder = mkdtempSync(join(tmpdir(), "jichat-nats-"));
  const ports = await freePorts(2 * servers);
  const routes = ports.slice(servers).map((port) => `nats://127.0.0.1:${port}`);
  const parts = Array.from({ length: servers }, (_, i) => {
    const name = `nats-${i + 1}`;
    const store = join(folder, name);
    mkdirSync(store);
    const config = join(store, "nats.conf");
    const port = ports[i] ?? 0;
    writeFileSync(
      config,
      [
        `host: 127.0.0.1`,
        `port: ${port}`,
        `server_name: ${name}`,
        "max_payload: 1MB",
        `jetstream { store_dir: ${JSON.stringify(store)}, sync_interval: always, max_file_store: 64GB }`,
        servers === 1
          ? ""
          : `cluster { name: local, listen: "127.0.0.1:${ports[servers + i] ?? 0}", routes: ${JSON.stringify(routes)} }`,
        "",
      ].join("\n"),
    );
    return new Part({
      name,
      program: path,
      args: ["-c", config],
      env: { ...env, GOGC: NATS_GOGC },
      logFile: join(store, "log"),
      port,
    });
  });
  const destroy = async (): Promise<void> => {
    await Promise.all(parts.map(async (part) => part.kill()));
    rmSync(folder, { recursive: true, force: true });
  };
  try {
    for (const part of parts) part.start();
    await Promise.all(parts.map(async (part) => part.ready(20_000)));
  } catch (error) {
    await destroy();
    throw error;
  }
  return { parts, urls: parts.map(({ spec }) => `nats://127.0.0.1:${spec.port ?? 0}`), destroy };
}
