import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Part } from "@jichat/tools/local/part.ts";
import { freePorts } from "@jichat/tools/local/ports.ts";
import { needNats } from "@jichat/tools/needs.ts";
import type { Pids } from "./generator/cpu.ts";

const SERVERS = 3;

/** Three nats-servers on this machine and its one disk, each with `sync_interval: always`. */
export async function withNatsCluster<T>(act: (url: string, pids: Pids) => Promise<T>): Promise<T> {
  const { path, env } = await needNats();
  const folder = mkdtempSync(join(tmpdir(), "jichat-bench-nats-"));
  const ports = await freePorts(2 * SERVERS);
  const routes = ports.slice(SERVERS).map((port) => `nats://127.0.0.1:${port}`);
  const parts = Array.from({ length: SERVERS }, (_, i) => {
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
        `cluster { name: bench, listen: "127.0.0.1:${ports[SERVERS + i] ?? 0}", routes: ${JSON.stringify(routes)} }`,
        "",
      ].join("\n"),
    );
    return new Part({ name, program: path, args: ["-c", config], env, logFile: join(store, "log"), port });
  });
  try {
    for (const part of parts) part.start();
    await Promise.all(parts.map(async (part) => part.ready(20_000)));
    const pids = Object.fromEntries(parts.map(({ spec, pid }) => [spec.name, pid ?? 0]));
    return await act(`nats://127.0.0.1:${ports[0] ?? 0}`, pids);
  } finally {
    await Promise.all(parts.map(async (part) => part.kill()));
    rmSync(folder, { recursive: true, force: true });
  }
}
