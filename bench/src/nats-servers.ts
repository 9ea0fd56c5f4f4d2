import { jetstreamManager } from "@nats-io/jetstream";
import { connect } from "@nats-io/transport-node";
import { startNatsServers } from "@jichat/testkit/local/servers.ts";
import type { Pids } from "./generator/cpu.ts";
import { pause } from "./generator/load.ts";

/** Starts nats-servers on this machine and its one disk, each with `sync_interval: always`. */
export async function withNats<T>(servers: 1 | 3, act: (url: string, pids: Pids) => Promise<T>): Promise<T> {
  const nats = await startNatsServers(servers);
  const { parts, urls } = nats;
  try {
    const pids = Object.fromEntries(parts.map(({ spec, pid }) => [spec.name, pid ?? 0]));
    const [url = ""] = urls;
    await electedLeader(url, servers);
    return await act(url, pids);
  } finally {
    await nats.destroy();
  }
}

const ELECTION_MS = 30_000;

/**
 * Resolves once JetStream accepts a stream with this many replicas: it answers nothing until the servers have
 * a leader.
 */
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
