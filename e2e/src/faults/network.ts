import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { join } from "node:path";
import { createInterface } from "node:readline";
import type { Place } from "@jichat/testkit/local/stack.ts";

/** The faults of one direction between two hosts. An empty path is healthy, and a loss of 1 is a cut. */
export interface Path {
  readonly loss?: number;
  readonly delayMs?: number;
}
export type Change = readonly [from: string, to: string, path: Path];

/** Hosts, and the paths between them. */
export interface Network {
  /** The place of a host, with the address that its own parts bind and use. */
  place(host: string): Place;
  /** The `host:port` by which `from` reaches what listens on `port` of `to`. */
  endpoint(from: string, to: string, port: number): Promise<string>;
  /** Resolves once the changes are in effect. */
  change(changes: readonly Change[]): Promise<void>;
  close(): void;
}

interface Member {
  readonly address: string;
  readonly namespace: string;
}

/** Each host is a network namespace, and all of them are on one switch (see switch.py). */
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

  /** `here` is the name of this process's own namespace. */
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
    // `ip netns exec` would hide the mounts of this namespace.
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
