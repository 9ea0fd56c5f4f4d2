import type { Server, Socket } from "node:net";
import { createConnection, createServer } from "node:net";
import type { AddressInfo } from "node:net";
import type { Place } from "@jichat/testkit/local/stack.ts";
import type { Change, Network, Path } from "./network.ts";

/** If more bytes than this wait for one socket, their sender is no longer read. */
const HELD_BYTES_MAX = 1_048_576;
const LOOPBACK = "127.0.0.1";

interface Held {
  readonly bytes: Buffer;
  readonly due: number;
}

/** One direction of one connection. Bytes arrive completely and in order, as soon as their path allows. */
class Pipe {
  readonly #from: Socket;
  readonly #to: Socket;
  readonly #path: () => Path;
  readonly #held: Held[] = [];
  #heldBytes = 0;
  #isOver = false;
  #timer: NodeJS.Timeout | undefined;

  constructor(from: Socket, to: Socket, path: () => Path) {
    this.#from = from;
    this.#to = to;
    this.#path = path;
    from.on("data", (bytes: Buffer) => {
      this.#held.push({ bytes, due: performance.now() + (path().delayMs ?? 0) });
      this.#heldBytes += bytes.length;
      if (this.#heldBytes > HELD_BYTES_MAX) from.pause();
      this.flow();
    });
    // The end of a connection is a packet like any other: it does not pass a cut path.
    from.on("close", () => {
      this.#isOver = true;
      this.flow();
    });
  }

  /** Passes on everything that may pass now. */
  flow(): void {
    clearTimeout(this.#timer);
    if (this.#path().loss === 1) return;
    const now = performance.now();
    for (let next = this.#held[0]; next !== undefined; next = this.#held[0]) {
      if (next.due > now) {
        this.#timer = setTimeout(() => {
          this.flow();
        }, next.due - now);
        return;
      }
      this.#held.shift();
      this.#heldBytes -= next.bytes.length;
      this.#to.write(next.bytes);
    }
    if (this.#isOver) this.#to.destroy();
    else this.#from.resume();
  }

  stop(): void {
    clearTimeout(this.#timer);
  }
}

/**
 * All hosts are this one, with a TCP proxy for each direction between two of them. For machines without
 * network namespaces. It cuts and delays, but loses nothing, since TCP repeats lost packets.
 */
export class ProxyNetwork implements Network {
  readonly #paths = new Map<string, Path>();
  readonly #servers = new Map<string, Promise<Server>>();
  readonly #pipes = new Map<Pipe, readonly Socket[]>();

  place(): Place {
    return { host: LOOPBACK, enter: [] };
  }

  async endpoint(from: string, to: string, port: number): Promise<string> {
    const key = `${from} ${to} ${port}`;
    const server = this.#servers.get(key) ?? this.#listen(from, to, port);
    this.#servers.set(key, server);
    return `${LOOPBACK}:${((await server).address() as AddressInfo).port}`;
  }

  async change(changes: readonly Change[]): Promise<void> {
    for (const [from, to, path] of changes) this.#paths.set(`${from} ${to}`, path);
    for (const pipe of this.#pipes.keys()) pipe.flow();
  }

  close(): void {
    for (const [pipe, sockets] of this.#pipes) {
      pipe.stop();
      for (const socket of sockets) socket.destroy();
    }
    for (const server of this.#servers.values())
      void server.then((listening) => {
        listening.close();
      });
  }

  async #listen(from: string, to: string, port: number): Promise<Server> {
    const server = createServer((near) => {
      const far = createConnection(port, LOOPBACK);
      this.#join(near, far, () => this.#path(from, to));
      this.#join(far, near, () => this.#path(to, from));
    });
    await new Promise<void>((resolve, reject) => {
      server.once("error", reject);
      server.listen(0, LOOPBACK, resolve);
    });
    return server;
  }

  #path(from: string, to: string): Path {
    return this.#paths.get(`${from} ${to}`) ?? {};
  }

  #join(from: Socket, to: Socket, path: () => Path): void {
    from.setNoDelay(true);
    const pipe = new Pipe(from, to, path);
    this.#pipes.set(pipe, [from, to]);
    // A `close` event follows, and only that counts: a refused connection is one that closed at once.
    from.on("error", () => undefined);
    to.once("close", () => {
      pipe.stop();
      this.#pipes.delete(pipe);
    });
  }
}
