import { spawn } from "node:child_process";
import { LAB } from "../kubectl.ts";

/** The API server by plain HTTP. */
export interface ApiProxy {
  /** The answer to a GET; undefined if there is none, or if it is not 2xx. */
  readonly get: (path: string) => Promise<string | undefined>;
  readonly close: () => void;
}

const ANSWER_MS = 900;

/**
 * One `kubectl proxy` for as long as somebody looks every second: a kubectl for each question would take a
 * tenth of a core, and the load is measured beside it.
 */
export async function openApiProxy(): Promise<ApiProxy> {
  const child = spawn(LAB.kubectl, ["proxy", "--port=0"], { stdio: ["ignore", "pipe", "ignore"] });
  const port = await new Promise<string>((resolve, reject) => {
    child.once("exit", (code) => {
      reject(new Error(`kubectl proxy ended with ${code ?? "a signal"}`));
    });
    child.stdout.on("data", (chunk: Buffer) => {
      const found = /127\.0\.0\.1:(\d+)/.exec(chunk.toString());
      if (found?.[1] !== undefined) resolve(found[1]);
    });
  });
  return {
    async get(path) {
      try {
        const response = await fetch(`http://127.0.0.1:${port}${path}`, {
          signal: AbortSignal.timeout(ANSWER_MS),
        });
        const text = await response.text();
        return response.ok ? text : undefined;
      } catch {
        return undefined; // What is unknown this second may be known in the next one.
      }
    },
    close: () => {
      child.kill("SIGKILL");
    },
  };
}
