import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { join } from "node:path";
import { createInterface } from "node:readline";
import type { Place } from "@jichat/testkit/local/stack.ts";

/** What one way between two hosts does to what travels it; nothing of it is a good one, a loss of 1 a cut. */
export interface Path {
  readonly loss?: number;
  readonly delayMs?: number;
}
export type Change = readonly [from: string, to: string, path: Path];

/** Hosts, and the ways between them. */
export interface Network {
  /** Where `host` and its parts are, as a part of the host itself binds and names it. */
  place(host: string): Place;
  /** `host:port` by which `from` reaches what listens on `port` of `to`. */
  endpoint(from: string, to: string, port: number): Promise<string>;
  /** Resolves once the ways are so. */
  change(changes: readonly Change[]): Promise<void>;
  close(): void;
}

interface Member {
  readonly address: string;
  readonly namespace: string;
}

/** Each host a network namespace of its own, all of them on one switch (switch.py says how). */
export class NamespaceNetwork implements Network {
  readonly #switch: ChildProcess;
  readonly #lines: AsyncIterator<string>;
  readonly #members: Readonly<Record<string, Member>>;
  #turn: Promise<void> = Promise.resolve();

  private constructor(child: ChildProcess, lines: AsyncIterator<string>, members: Record<string, Member>) {
    this.#switch = child;
    this.#lines = lines;
    this.#members = members;
  }

  /** `here` is the name of the namespace that this process is in. */
  static async open(here: string, hosts: readonly string[]): Promise<NamespaceNetwork> {
    const program = join(import.meta.dirname, "switch.py");
    const child = spawn("python3", [program, here, ...hosts], { stdio: ["pipe", "pipe", "inherit"] });
    const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
    const first = await lines.next();
    if (first.done === true) throw new Error("the switch ended before its hosts were up");
    return new NamespaceNetwork(child, lines, JSON.parse(first.value) as Record<string, Member>);
  }

  #member(host: string): Member {
    const member = this.#members[host];
    if (member === undefined) throw new Error(`no host ${host} is on the switch`);
    return member;
  }

  place(host: string): Place {
    const { address, namespace } = this.#member(host);
    // Not `ip netns exec`: that hides the mounts that are here.
    return { host: address, enter: ["nsenter", `--net=${namespace}`, "--"] };
  }

  async endpoint(_from: string, to: string, port: number): Promise<string> {
    return `${this.#member(to).address}:${port}`;
  }

  async change(changes: readonly Change[]): Promise<void> {
    this.#turn = this.#turn.then(async () => {
      this.#switch.stdin?.write(`${JSON.stringify(changes)}\n`);
      if ((await this.#lines.next()).done === true) throw new Error("the switch has ended");
    });
    return this.#turn;
  }

  close(): void {
    this.#switch.stdin?.end();
  }
}
