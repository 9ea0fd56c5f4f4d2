import { spawn } from "node:child_process";
import { delimiter, dirname } from "node:path";

interface Options {
  readonly env?: NodeJS.ProcessEnv;
  /** The standard input of the program. */
  readonly input?: string;
  readonly timeoutMs?: number;
}

/** Runs a program to its end. Rejects with its output if it fails. */
export async function run(program: string, args: readonly string[], options: Options = {}): Promise<string> {
  const { input, env = process.env } = options;
  const child = spawn(program, args, { stdio: ["pipe", "pipe", "pipe"], env });
  const out: Buffer[] = [];
  const err: Buffer[] = [];
  child.stdout.on("data", (chunk: Buffer) => out.push(chunk));
  child.stderr.on("data", (chunk: Buffer) => err.push(chunk));
  // A program that ends without reading closes the pipe. Its exit code says whether it succeeded.
  child.stdin.on("error", () => undefined);
  child.stdin.end(input ?? "");
  const timer = setTimeout(() => child.kill("SIGKILL"), options.timeoutMs ?? 120_000);
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once("error", reject);
    child.once("close", resolve);
  });
  clearTimeout(timer);
  const text = Buffer.concat(out).toString("utf8");
  if (code === 0) return text;
  const told = Buffer.concat(err).toString("utf8").trim() || text.trim();
  throw new Error(`${program} ${args.slice(0, 6).join(" ")}: ${told}`);
}

const required = (name: string): string => {
  const value = process.env[name];
  if (value === undefined || value === "")
    throw new Error(`${name} is not set: these tests are run by \`make e2e\``);
  return value;
};

/** The environment that `make e2e` prepared for these tests. */
export const LAB = {
  kubectl: required("E2E_KUBECTL"),
  helm: required("E2E_HELM"),
  kubectlChat: required("E2E_KUBECTL_CHAT"),
  handImage: required("E2E_HAND_IMAGE"),
  /** Another one in each run of all files: an operator of a run before (`KEEP=1`) has its images. */
  run: required("E2E_RUN"),
  registry: required("E2E_REGISTRY"),
  /** The versions of the loaded images: the same program under two names. */
  versions: JSON.parse(required("E2E_VERSIONS")) as readonly [string, string],
  backends: JSON.parse(required("E2E_BACKENDS")) as Readonly<Record<"nats" | "redis" | "clickhouse", string>>,
  /** Another registry name with the same images. */
  elsewhere: required("E2E_ELSEWHERE"),
  /** A pull policy other than the default, with which pods can also start here. */
  pullPolicy: required("E2E_PULL_POLICY"),
  /** The program that runs the nodes' containers. Empty if the nodes are not ours. */
  engine: process.env["E2E_ENGINE"] ?? "",
};

/** The name of the same image under the other registry name. */
export const elsewhere = (image: string): string => image.replace(LAB.registry, LAB.elsewhere);

export const kubectl = async (args: readonly string[], options?: Options): Promise<string> =>
  run(LAB.kubectl, args, options);

export const helm = async (args: readonly string[]): Promise<string> =>
  run(LAB.helm, args, { timeoutMs: 300_000 });

/** Runs `kubectl chat`, which kubectl finds as a plugin. */
export const kubectlChat = async (args: readonly string[]): Promise<string> => {
  const folders = [dirname(LAB.kubectlChat), dirname(LAB.kubectl), dirname(process.execPath)];
  const env = { ...process.env, PATH: [...folders, process.env["PATH"] ?? ""].join(delimiter) };
  return run(LAB.kubectl, ["chat", ...args], { env });
};

/** Reads an object or list with `-o json`. */
export async function read<T>(args: readonly string[]): Promise<T> {
  return JSON.parse(await kubectl([...args, "-o", "json"])) as T;
}

/** The object, or undefined if it does not exist. */
export async function find<T>(args: readonly string[]): Promise<T | undefined> {
  const text = await kubectl([...args, "--ignore-not-found", "-o", "json"]);
  return text.trim() === "" ? undefined : (JSON.parse(text) as T);
}

export const apply = async (object: object): Promise<string> =>
  kubectl(["apply", "-f", "-"], { input: JSON.stringify(object) });
