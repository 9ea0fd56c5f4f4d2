import type { AddressInfo, Server, Socket } from "node:net";
import { createConnection, createServer } from "node:net";

/**
 * A proxy in front of a connector. While it is dark, it acts as a lost network: nothing gets through, not
 * even the end of a connection, and new connections get no answer either.
 */
export class DarkProxy {
  readonly #server: Server;
  readonly #port: number;
  readonly #sockets = new Set<Socket>();
  isDark = false;

  private constructor(server: Server, port: number) {
    this.#server = server;
    this.#port = port;
  }

  static async before(url: string): Promise<DarkProxy> {
    const server = createServer({ allowHalfOpen: true });
    const proxy = new DarkProxy(server, Number(new URL(url).port));
    server.on("connection", (client) => {
      proxy.#connect(client);
    });
    await new Promise<void>((resolve) => {
      server.listen(0, "127.0.0.1", resolve);
    });
    return proxy;
  }

  get url(): string {
    return `ws://127.0.0.1:${(this.#server.address() as AddressInfo).port}/v1/ws`;
  }

  close(): void {
    for (const socket of this.#sockets) socket.destroy();
    this.#server.close();
  }

  #connect(client: Socket): void {
    this.#sockets.add(client);
    client.on("error", () => client.destroy());
    client.on("close", () => this.#sockets.delete(client));
    if (this.isDark) {
      client.resume();
      return;
    }
    const server = createConnection({ port: this.#port, host: "127.0.0.1", allowHalfOpen: true });
    this.#sockets.add(server);
    for (const [from, to] of [
      [client, server],
      [server, client],
    ] as const) {
      from.setNoDelay(true);
      from.on("data", (chunk: Buffer) => {
        if (!this.isDark) to.write(chunk);
      });
      from.on("end", () => {
        if (!this.isDark) to.end();
      });
      from.on("close", () => {
        this.#sockets.delete(from);
        if (!this.isDark) to.destroy();
      });
    }
    server.on("error", () => server.destroy());
  }
}
