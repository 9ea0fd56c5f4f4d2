import type { ChildProcess } from "node:child_process";
import { spawn } from "node:child_process";
import { closeSync, openSync, readFileSync } from "node:fs";
import { constants, setPriority } from "node:os";
import { answersOn } from "./ports.ts";

export interface PartSpec {
  readonly name: string;
  readonly program: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  /** The working folder. Default: that of this process. */
  readonly cwd?: string;
  /** Keeps its standard input open. Tools for people stop when it ends. */
  readonly keepsInput?: true;
  readonly logFile: string;
  /**
   * The part is ready when `/readyz` on this port says so, or, without it, when `port` accepts connections.
   */
  readonly adminPort?: number;
  readonly port?: number;
  /** The host of those ports. Default: loopback. */
  readonly host?: string;
  /** The niceness of the process, 0 to 19. Default 0. */
  readonly niceness?: number;
}

const POLL_MS = 40;
const sleep = (ms: number): Promise<void> =>
  new Promise((resolve) => {
    setTimeout(resolve, ms);
  });

/** Parts end together with the process that started them, unless that process is killed by SIGKILL. */
const running = new Set<number>();
process.once("exit", () => {
  for (const pid of running) process.kill(pid, "SIGKILL");
});
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const)
  process.on(signal, () => {
    // A signal without another listener would end this process without an `exit` event.
    if (process.listenerCount(signal) === 1) process.exit(128 + constants.signals[signal]);
  });

/** One process of a local cluster. */
export class Part {
  #spec: PartSpec;
  #child: ChildProcess | undefined;
  #exited: Promise<void> = Promise.resolve();
  /** Called with the reason when the process ends without `stop` or `kill`. */
  onDeath: ((how: string) => void) | undefined;
  #expected = false;

  constructor(spec: PartSpec) {
    this.#spec = spec;
  }

  get spec(): PartSpec {
    return this.#spec;
  }

  /** Sets the spec for the next start. */
  become(spec: PartSpec): void {
    this.#spec = spec;
  }

  get pid(): number | undefined {
    return this.#child?.pid;
  }

  get isRunning(): boolean {
    return this.#child !== undefined;
  }

  start(): void {
    const { program, args, env, cwd, keepsInput, logFile, niceness = 0 } = this.spec;
    const log = openSync(logFile, "a");
    this.#expected = false;
    // A separate process group: a Ctrl-C at the terminal reaches only the supervisor, which stops all parts
    // in order.
    const child = spawn(program, args, {
      env: { ...process.env, ...env },
      cwd,
      stdio: [keepsInput === true ? "pipe" : "ignore", log, log],
      detached: true,
    });
    closeSync(log);
    this.#child = child;
    const { pid } = child;
    if (pid !== undefined) running.add(pid);
    // Set before the process has threads, since they inherit it.
    if (pid !== undefined && niceness > 0) setPriority(pid, niceness);
    this.#exited = new Promise((resolve) => {
      const ended = (how: string): void => {
        if (this.#child === child) this.#child = undefined;
        if (pid !== undefined) running.delete(pid);
        resolve();
        if (!this.#expected) this.onDeath?.(how);
      };
      child.once("error", (error) => {
        ended(error.message);
      });
      child.once("exit", (code, signal) => {
        ended(signal === null ? `exit code ${code ?? "unknown"}` : signal);
      });
    });
  }

  /**
   * Resolves once the part is ready. Throws, with the end of its log, if it ends or takes longer than
   * `withinMs`.
   */
  async ready(withinMs: number): Promise<void> {
    const end = performance.now() + withinMs;
    while (!(await this.#isReady())) {
      if (!this.isRunning) throw new Error(`${this.spec.name} ended while it started:\n${this.logEnd()}`);
      if (performance.now() > end)
        throw new Error(`${this.spec.name} was not ready within ${withinMs} ms:\n${this.logEnd()}`);
      await sleep(POLL_MS);
    }
  }

  async #isReady(): Promise<boolean> {
    const { adminPort, port, host = "127.0.0.1" } = this.spec;
    if (adminPort === undefined) return port === undefined || answersOn(port, host);
    try {
      return (await fetch(`http://${host}:${adminPort}/readyz`, { signal: AbortSignal.timeout(1_000) })).ok;
    } catch {
      return false; // It does not listen yet.
    }
  }

  /** The last lines of its log. */
  logEnd(lines = 15): string {
    return readFileSync(this.spec.logFile, "utf8").trim().split("\n").slice(-lines).join("\n");
  }

  signal(name: NodeJS.Signals): void {
    const { pid } = this;
    if (pid !== undefined) process.kill(pid, name);
  }

  /** Sends SIGTERM, then SIGKILL if the process runs for longer than `graceMs`. */
  async stop(graceMs: number): Promise<void> {
    this.#expected = true;
    this.signal("SIGTERM");
    const cut = setTimeout(() => {
      this.signal("SIGKILL");
    }, graceMs);
    await this.#exited;
    clearTimeout(cut);
  }

  /** Sends SIGKILL, to simulate a crash. */
  async kill(): Promise<void> {
    this.#expected = true;
    this.signal("SIGKILL");
    await this.#exited;
  }
}
