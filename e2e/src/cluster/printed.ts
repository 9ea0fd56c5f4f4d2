import { spawn } from "node:child_process";
import { delimiter, dirname, join } from "node:path";
import { LAB, run } from "./kubectl.ts";

const ROOT = join(import.meta.dirname, "../../..");

/** Where a shell finds kubectl and helm, as somebody has them who has installed them. */
const env = (): NodeJS.ProcessEnv => ({
  ...process.env,
  PATH: [dirname(LAB.kubectl), dirname(LAB.helm), process.env["PATH"] ?? ""].join(delimiter),
});

/** Gives a shell what was printed, as it was printed, in the project's folder. */
export const inShell = async (printed: string): Promise<string> =>
  run("sh", ["-c", `cd '${ROOT}'\n${printed}`], { env: env(), timeoutMs: 300_000 });

/** The same for a line that goes on for ever, until it has printed what is looked for. */
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

/** Commands that a text has: each from the begin of a line, one with a document up to where that ends. */
export function commandsIn(text: string): readonly string[] {
  const found = text.matchAll(/^(?:kubectl|helm) (?:[^\n]*<<END\n[\s\S]*?^END$|[^\n]*)/gm);
  return [...found].map(([command]) => command);
}
