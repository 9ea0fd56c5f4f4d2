import type { AddressInfo, Server, Socket } from "node:net";
import { createConnection, createServer } from "node:net";
import type { Part } from "@jichat/testkit/local/part.ts";

const PROBE_MS = 250;

interface Target {
  readonly part: Part;
  isReady: boolean;
  /** It was told to end. It may still serve. */
  isEnding: boolean;
  /** When connections came, by the monotonic clock. */
  readonly cameAt: number[];
}

/**
 * One address before several connectors, as a Service of Kubernetes: connections go to those that are ready,
 * and, if there is none, to those that end and still serve. It notes what people would see: connections that
 * were refused, and upgrades that were not answered with 101.
 */
export class SwitchBefore {
  readonly #server: Server;
  readonly #targets: Target[] = [];
  readonly #sockets = new Set<Socket>();
  readonly #probing: NodeJS.Timeout;
  readonly refusals: string[] = [];
  #next = 0;

  private constructor(server: Server) {
    this.#server = server;
    this.#probing = setInterval(() => {
      for (const target of this.#targets) void this.#probe(target);
    }, PROBE_MS);
  }

  static async open(parts: readonly Part[]): Promise<SwitchBefore> {
    const server = createServer();
    const opened = new SwitchBefore(server);
    server.on("connection", (client) => {
      opened.#connect(client);
    });
    await new Promise<void>((resolve) => {
      server.listen(0, "127.0.0.1", resolve);
    });
    for (const part of parts) opened.#targets.push({ part, isReady: true, isEnding: false, cameAt: [] });
    return opened;
  }

  get url(): string {
    return `ws://127.0.0.1:${(this.#server.address() as AddressInfo).port}/v1/ws`;
  }

  /** From now on it is only asked if nobody else is ready, as a pod that is terminating. */
  ends(part: Part): void {
    this.#of(part).isEnding = true;
  }

  /** Takes a connector out of routing, or puts it back, as the operator does by its label. */
  route(part: Part, isRouted: boolean): void {
    this.#of(part).isEnding = !isRouted;
  }

  /** When connections came to this connector, by the monotonic clock. */
  cameTo(part: Part): readonly number[] {
    return this.#of(part).cameAt;
  }

  close(): void {
    clearInterval(this.#probing);
    for (const socket of this.#sockets) socket.destroy();
    this.#server.close();
  }

  #of(part: Part): Target {
    const target = this.#targets.find((one) => one.part === part);
    if (target === undefined) throw new Error(`${part.spec.name} is not behind this switch`);
    return target;
  }

  async #probe(target: Target): Promise<void> {
    const { adminPort } = target.part.spec;
    try {
      target.isReady = (await fetch(`http://127.0.0.1:${adminPort}/readyz`)).ok;
    } catch {
      target.isReady = false;
    }
  }

  #choose(): Target | undefined {
    const ready = this.#targets.filter(({ isReady, isEnding }) => isReady && !isEnding);
    const serving = this.#targets.filter(({ isReady, isEnding }) => isReady && isEnding);
    const from = ready.length > 0 ? ready : serving;
    this.#next += 1;
    return from[this.#next % from.length];
  }

  #connect(client: Socket): void {
    this.#sockets.add(client);
    client.on("error", () => client.destroy());
    client.on("close", () => this.#sockets.delete(client));
    const target = this.#choose();
    if (target === undefined) {
      this.refusals.push("nobody is ready");
      client.destroy();
      return;
    }
    target.cameAt.push(performance.now());
    const { name, env } = target.part.spec;
    const server = createConnection({ port: Number(env["PORT"]), host: "127.0.0.1" });
    this.#sockets.add(server);
    server.once("data", (bytes: Buffer) => {
      const status = bytes.toString("latin1", 0, 40).split("\r\n")[0] ?? "";
      if (!status.includes(" 101 ")) this.refusals.push(`${name}: ${status}`);
    });
    let wasOpen = false;
    server.once("connect", () => {
      wasOpen = true;
    });
    server.on("error", (error) => {
      if (!wasOpen) this.refusals.push(`${name}: ${error.message}`);
      client.destroy();
    });
    server.on("close", () => {
      this.#sockets.delete(server);
      client.end();
    });
    client.on("close", () => server.end());
    client.pipe(server).pipe(client);
  }
}
