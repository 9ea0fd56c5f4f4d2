import { spawn } from "node:child_process";
import { delimiter, dirname, join } from "node:path";
import { LAB, run } from "./kubectl.ts";

const ROOT = join(import.meta.dirname, "../../..");

/** An environment with kubectl and helm on PATH, as a user has it. */
const env = (): NodeJS.ProcessEnv => ({
  ...process.env,
  PATH: [dirname(LAB.kubectl), dirname(LAB.helm), process.env["PATH"] ?? ""].join(delimiter),
});

/** Runs printed commands unchanged in a shell, in the project's folder. */
export const inShell = async (printed: string): Promise<string> =>
  run("sh", ["-c", `cd '${ROOT}'\n${printed}`], { env: env(), timeoutMs: 300_000 });

/** Like `inShell`, but for a command that never ends: runs it until it has printed `wanted`. */
export async function inShellUntil(printed: string, wanted: RegExp, ms: number): Promise<string> {
  const child = spawn("sh", ["-c", `exec ${printed}`], {
    cwd: ROOT,
    env: env(),
    stdio: ["ignore", "pipe", "pipe"],
  });
  let text = "";
  try {
    return await new Promise((resolve, reject) => {
      const late = setTimeout(() => {
        reject(new Error(`${printed} did not print ${String(wanted)} within ${ms} ms:\n${text}`));
      }, ms);
      const read = (chunk: Buffer): void => {
        text += chunk.toString("utf8");
        if (!wanted.test(text)) return;
        clearTimeout(late);
        resolve(text);
      };
      child.stdout.on("data", read);
      child.stderr.on("data", read);
      child.once("error", reject);
      child.once("exit", (code) => {
        clearTimeout(late);
        reject(new Error(`${printed} ended with ${code}:\n${text}`));
      });
    });
  } finally {
    child.kill("SIGTERM");
  }
}

/** The commands in a text. Each starts at the beginning of a line; a here-document belongs to its command. */
export function commandsIn(text: string): readonly string[] {
  const found = text.matchAll(/^(?:kubectl|helm) (?:[^\n]*<<END\n[\s\S]*?^END$|[^\n]*)/gm);
  return [...found].map(([command]) => command);
}
