import { once } from "node:events";
import { createConnection } from "node:net";
import { pause } from "./load.ts";

export interface LoopbackArgs {
  /** The port of a server that sends back what it receives. */
  readonly port: number;
  readonly bytes: number;
  /** The number of frames of `bytes` bytes in flight. */
  readonly window: number;
  readonly ms: number;
}

const WARM_MS = 300;

/**
 * Closed loop over one TCP connection: each returned frame releases the next. Returns round trips per second.
 */
export async function loopback({ port, bytes, window, ms }: LoopbackArgs): Promise<{ perSecond: number }> {
  const socket = createConnection(port, "127.0.0.1");
  socket.setNoDelay(true);
  await once(socket, "connect");
  const frame = Buffer.alloc(bytes, "x");
  const state = { bytes: 0 };
  socket.on("data", (chunk: Buffer) => {
    const before = Math.floor(state.bytes / bytes);
    state.bytes += chunk.length;
    for (let back = before; back < Math.floor(state.bytes / bytes); back += 1) socket.write(frame);
  });
  for (let sent = 0; sent < window; sent += 1) socket.write(frame);
  await pause(WARM_MS);
  const from = state.bytes;
  const started = performance.now();
  await pause(ms);
  const trips = (state.bytes - from) / bytes;
  const perSecond = (trips * 1_000) / (performance.now() - started);
  socket.destroy();
  return { perSecond };
}
