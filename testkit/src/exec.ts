import { spawn } from "node:child_process";
import { accessSync, constants } from "node:fs";
import { delimiter, join } from "node:path";
import { UserError } from "./say.ts";

export interface Result {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a program to its end, and captures its output. */
export async function exec(
  program: string,
  args: readonly string[],
  options: { readonly cwd?: string; readonly env?: NodeJS.ProcessEnv } = {},
): Promise<Result> {
  const child = spawn(program, args, {
    cwd: options.cwd,
    env: options.env,
    stdio: ["ignore", "pipe", "pipe"],
  });
  let stdout = "";
  let stderr = "";
  child.stdout.on("data", (chunk: Buffer) => {
    stdout += chunk.toString();
  });
  child.stderr.on("data", (chunk: Buffer) => {
    stderr += chunk.toString();
  });
  const code = await new Promise<number>((resolve) => {
    child.on("error", (error) => {
      stderr += error.message;
      resolve(127);
    });
    child.on("close", (status) => {
      resolve(status ?? 1);
    });
  });
  return { code, stdout, stderr };
}

/**
 * Runs a program in the foreground: its output is shown, and signals are passed on to it. Resolves with its
 * exit status. Rejects if it ended after a signal, since a person who stops one program does not want the
 * next one.
 */
export async function show(
  program: string,
  args: readonly string[],
  options: { readonly cwd?: string; readonly env?: NodeJS.ProcessEnv } = {},
): Promise<number> {
  let isStopped = false;
  const stop = (): void => {
    isStopped = true;
    child.kill("SIGTERM");
  };
  // Before anything else: a signal may come as soon as it runs.
  process.once("SIGTERM", stop).once("SIGINT", stop);
  const child = spawn(program, args, { ...options, stdio: ["ignore", "inherit", "inherit"] });
  return new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("exit", (code) => {
      process.removeListener("SIGTERM", stop).removeListener("SIGINT", stop);
      if (isStopped) reject(new UserError("stopped"));
      else resolve(code ?? 1);
    });
  });
}

/** The full path of a program on PATH, or undefined. */
export function which(program: string): string | undefined {
  for (const folder of (process.env["PATH"] ?? "").split(delimiter)) {
    const path = join(folder, program);
    try {
      accessSync(path, constants.X_OK);
      return path;
    } catch {
      continue; // The program is not in this folder.
    }
  }
  return undefined;
}
