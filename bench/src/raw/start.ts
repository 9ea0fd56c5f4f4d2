import { spawn } from "node:child_process";
import { join } from "node:path";
import { freePorts } from "@jichat/testkit/local/ports.ts";
import type { Door } from "../generator/people.ts";

export interface RawServer {
  readonly door: Door;
  readonly pid: number;
  stop(): void;
}

/** Starts a server that is only uWebSockets.js, in a separate process. */
export async function startRaw(mode: "echo" | "fan" | "ticket" | "token", secret = ""): Promise<RawServer> {
  const [port = 0] = await freePorts(1);
  const args = [join(import.meta.dirname, "server.ts"), String(port), mode, secret];
  const server = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "inherit"] });
  const stop = (): void => {
    server.kill("SIGKILL");
  };
  process.once("exit", stop);
  await new Promise<void>((resolve, reject) => {
    server.stdout.once("data", () => {
      resolve();
    });
    server.once("exit", () => {
      reject(new Error(`the raw server (${mode}) ended`));
    });
  });
  return { door: { urls: [`ws://127.0.0.1:${port}/v1/ws`] }, pid: server.pid ?? 0, stop };
}
