import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { jetstreamManager } from "@nats-io/jetstream";
import { connect } from "@nats-io/transport-node";
import { NATS_GOGC } from "@jichat/tools/local/heaps.ts";
import { Part } from "@jichat/tools/local/part.ts";
import { freePorts } from "@jichat/tools/local/ports.ts";
import { needNats } from "@jichat/tools/needs.ts";
import type { Pids } from "./generator/cpu.ts";
import { pause } from "./generator/load.ts";

/** So many nats-servers on this machine and its one disk, each with `sync_interval: always`. */
export async function withNats<T>(servers: 1 | 3, act: (url: string, pids: Pids) => Promise<T>): Promise<T> {
  const { path, env } = await needNats();
  const folder = mkdtempSync(join(tmpdir(), "jichat-bench-nats-"));
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
          : `cluster { name: bench, listen: "127.0.0.1:${ports[servers + i] ?? 0}", routes: ${JSON.stringify(routes)} }`,
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
  try {
    for (const part of parts) part.start();
    await Promise.all(parts.map(async (part) => part.ready(20_000)));
    const pids = Object.fromEntries(parts.map(({ spec, pid }) => [spec.name, pid ?? 0]));
    const url = `nats://127.0.0.1:${ports[0] ?? 0}`;
    await electedLeader(url, servers);
    return await act(url, pids);
  } finally {
    await Promise.all(parts.map(async (part) => part.kill()));
    rmSync(folder, { recursive: true, force: true });
  }
}

const ELECTION_MS = 30_000;

/** Until JetStream takes a stream of so many copies: before the servers have a leader it answers nothing. */
async function electedLeader(url: string, servers: number): Promise<void> {
  const nats = await connect({ servers: url });
  const end = performance.now() + ELECTION_MS;
  try {
    for (;;)
      try {
        const jsm = await jetstreamManager(nats, { timeout: 1_000 });
        await jsm.streams.add({ name: "elected", subjects: ["elected"], num_replicas: servers });
        await jsm.streams.delete("elected");
        return;
      } catch (error) {
        if (performance.now() > end) throw error;
        await pause(200);
      }
  } finally {
    await nats.close();
  }
}
