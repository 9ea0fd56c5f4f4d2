import { spawn } from "node:child_process";

/** An error for people, shown without a stack. */
export class Refusal extends Error {
  override readonly name = "Refusal";
}

/** The user's own `kubectl`, with their context, credentials and rights. */
export class Kubectl {
  readonly #common: readonly string[];

  /** `common` are arguments for every call: `--context`, `--kubeconfig`, `--namespace`. */
  constructor(common: readonly string[]) {
    this.#common = common;
  }

  /** Resolves with the output of kubectl. Rejects with its error output if it failed. */
  async ask(args: readonly string[]): Promise<string> {
    const child = spawn("kubectl", [...this.#common, ...args], { stdio: ["ignore", "pipe", "pipe"] });
    let out = "";
    let err = "";
    child.stdout.setEncoding("utf8").on("data", (text: string) => (out += text));
    child.stderr.setEncoding("utf8").on("data", (text: string) => (err += text));
    const code = await new Promise<number | null>((resolve, reject) => {
      child.once("error", (error: NodeJS.ErrnoException) => {
        reject(error.code === "ENOENT" ? new Refusal("kubectl is not on PATH: install it first") : error);
      });
      child.once("close", resolve);
    });
    if (code !== 0) throw new Refusal(err.trim() || `kubectl ended with ${String(code)}`);
    return out;
  }

  async read<T>(args: readonly string[]): Promise<T> {
    return JSON.parse(await this.ask([...args, "--output=json"])) as T;
  }

  /** Asks a pod's admin port through the API server. Undefined if the pod does not answer. */
  async admin(namespace: string, pod: string, path: string): Promise<string | undefined> {
    try {
      return await this.ask([
        "get",
        "--raw",
        `/api/v1/namespaces/${namespace}/pods/${pod}:9090/proxy${path}`,
      ]);
    } catch (error) {
      if (error instanceof Refusal && /forbidden/i.test(error.message)) throw error;
      return undefined; // The pod is starting or ending.
    }
  }

  /** Runs kubectl on the user's terminal. Resolves with its exit status. */
  async show(args: readonly string[]): Promise<number> {
    const child = spawn("kubectl", [...this.#common, ...args], { stdio: "inherit" });
    return new Promise((resolve, reject) => {
      child.once("error", reject);
      child.once("close", (code) => {
        resolve(code ?? 1);
      });
    });
  }
}
