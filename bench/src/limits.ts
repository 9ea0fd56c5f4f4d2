import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import type { AddressInfo } from "node:net";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { needChdb } from "@jichat/testkit/needs.ts";
import { PING } from "./figures/edge.ts";
import { generate } from "./generate.ts";
import { withNats } from "./nats-servers.ts";
import { appendAtFull } from "./raw/append.ts";
import { startRaw } from "./raw/start.ts";

/** The speed of a basic part alone, on this machine at this time. */
export interface Limit {
  readonly what: string;
  readonly perSecond: number;
  readonly unit: string;
}

const MB = 1_048_576;
const CHUNK = 65_536;

/**
 * Measured before every run, whichever figures it has: no absolute figure means anything without these
 * limits.
 */
export async function measureLimits(): Promise<readonly Limit[]> {
  return [...(await loopback()), await rawEcho(), ...(await appends()), await inserts()];
}

async function loopback(): Promise<readonly Limit[]> {
  const server = createServer((socket) => {
    socket.on("error", () => socket.destroy()); // The generator may end in the middle of an answer.
    socket.pipe(socket);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  try {
    const small = await generate("loopback", { port, bytes: 256, window: 1, ms: 1_000 });
    const large = await generate("loopback", { port, bytes: CHUNK, window: 4, ms: 1_000 });
    return [
      {
        what: "loopback, 256 bytes and back, one at a time",
        perSecond: small.perSecond,
        unit: "round trips",
      },
      { what: "loopback, there and back", perSecond: (large.perSecond * CHUNK) / MB, unit: "MB" },
    ];
  } finally {
    server.close();
  }
}

async function rawEcho(): Promise<Limit> {
  const raw = await startRaw("echo");
  try {
    const args = { frame: PING, window: 20, ms: 2_000 };
    const { perSecond } = await generate("echo", { ...args, door: raw.door, pids: { server: raw.pid } });
    return { what: "uWebSockets.js, echo", perSecond, unit: "frames" };
  } finally {
    raw.stop();
  }
}

const appends = async (): Promise<readonly Limit[]> =>
  withNats(1, async (url) => {
    const [one, many] = [await appendAtFull(url, 1), await appendAtFull(url, 128)];
    const what = "fenced appends through nats.js, 8 streams, R1, fsync always";
    return [
      { what, perSecond: one.perSecond, unit: "appends" },
      { what: `${what}, 128 records of 256 bytes each`, perSecond: many.perSecond, unit: "records" },
    ];
  });

async function inserts(): Promise<Limit> {
  const folder = mkdtempSync(join(tmpdir(), "jichat-bench-chdb-"));
  try {
    const { perSecond } = await generate("inserts", { folder, chdbHome: await needChdb(), ms: 3_000 });
    return { what: "chdb, inserts of 10,000 rows into the events table", perSecond, unit: "rows" };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
