import { spawn } from "node:child_process";
import { join } from "node:path";
import { freePorts } from "@jichat/tools/local/ports.ts";
import { FastSocket } from "./fast-socket.ts";

const SOCKETS = 50;
const WINDOW = 20;
const MS = 4_000;

/** Frames per second there and back, 50 sockets with 20 frames each on their way. */
export async function measureEcho(
  url: string,
  hello: (index: number) => string | undefined,
  frame: string,
): Promise<number> {
  let count = 0;
  let running = true;
  const sockets = await Promise.all(
    Array.from({ length: SOCKETS }, async (_, index) => {
      const ready = Promise.withResolvers<void>();
      const first = hello(index);
      let isReady = first === undefined;
      const socket = await FastSocket.open(url, () => {
        if (!isReady) {
          isReady = true;
          ready.resolve();
          return;
        }
        count += 1;
        if (running) socket.send(frame);
      });
      if (first === undefined) ready.resolve();
      else socket.send(first);
      await ready.promise;
      return socket;
    }),
  );
  for (const socket of sockets) for (let i = 0; i < WINDOW; i += 1) socket.send(frame);
  await new Promise((resolve) => {
    setTimeout(resolve, 500);
  });
  count = 0;
  const started = performance.now();
  await new Promise((resolve) => {
    setTimeout(resolve, MS);
  });
  const perSecond = (count * 1_000) / (performance.now() - started);
  running = false;
  for (const socket of sockets) socket.close();
  return Math.round(perSecond);
}

/** The same against uWebSockets.js alone, in a process of its own. */
export async function measureRawEcho(frame: string): Promise<number> {
  const [port = 0] = await freePorts(1);
  const server = spawn(process.execPath, [join(import.meta.dirname, "echo-server.ts"), String(port)], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  await new Promise((resolve) => {
    server.stdout.once("data", resolve);
  });
  try {
    return await measureEcho(`ws://127.0.0.1:${port}/v1/ws`, () => undefined, frame);
  } finally {
    server.kill("SIGKILL");
  }
}
