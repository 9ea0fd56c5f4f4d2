import type { Server, Socket } from "node:net";
import { createConnection, createServer } from "node:net";
import type { AddressInfo } from "node:net";

/** The fate of one append: the server gets it late, its answer is lost, or both. */
export interface AppendFate {
  readonly delayMs: number;
  readonly loseAnswer: boolean;
}
export type Decide = (append: { readonly subject: string; readonly count: number }) => AppendFate;

const CRLF = Buffer.from("\r\n");
const PUBLISH = /^(H?PUB) (\S+) (?:(\S+) )?(?:(\d+) )?(\d+)$/;
const MESSAGE = /^(H?MSG) (\S+) \S+ (?:(\S+) )?(?:(\d+) )?(\d+)$/;

interface Frame {
  readonly line: string;
  readonly bytes: Buffer;
  readonly publish: RegExpExecArray | null;
  readonly message: RegExpExecArray | null;
}

/** Splits NATS's protocol into frames: a line, and after a PUB or MSG the payload that the line announces. */
class Frames {
  #rest: Buffer = Buffer.alloc(0);

  *split(chunk: Buffer): Generator<Frame> {
    this.#rest = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk]);
    for (;;) {
      const end = this.#rest.indexOf(CRLF);
      if (end < 0) return;
      const line = this.#rest.toString("latin1", 0, end);
      const publish = PUBLISH.exec(line);
      const message = MESSAGE.exec(line);
      const payload = publish?.[5] ?? message?.[5];
      const length = end + 2 + (payload === undefined ? 0 : Number(payload) + 2);
      if (this.#rest.length < length) return;
      const bytes = this.#rest.subarray(0, length);
      this.#rest = this.#rest.subarray(length);
      yield { line, bytes, publish, message };
    }
  }
}

/** A proxy between one router and nats-server that disturbs its appends. Everything else passes unchanged. */
export class NatsProxy {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  #target = 0;
  #appends = 0;
  decide: Decide = () => ({ delayMs: 0, loseAnswer: false });
  /** Called when the server has acknowledged an append. `true` drops that answer. */
  onStored: (() => boolean) | undefined;
  lost = 0;
  late = 0;

  private constructor(server: Server) {
    this.#server = server;
  }

  static async listen(): Promise<NatsProxy> {
    const server = createServer();
    const proxy = new NatsProxy(server);
    server.on("connection", (socket) => {
      proxy.#connect(socket);
    });
    await new Promise<void>((resolve) => {
      server.listen(0, "127.0.0.1", resolve);
    });
    return proxy;
  }

  get url(): string {
    return `nats://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  target(port: number): void {
    this.#target = port;
  }

  close(): void {
    for (const socket of this.#sockets) socket.destroy();
    this.#server.close();
  }

  #connect(client: Socket): void {
    const server = createConnection(this.#target, "127.0.0.1");
    const answers = new Map<string, AppendFate>();
    for (const socket of [client, server]) {
      socket.setNoDelay(true);
      this.#sockets.add(socket);
      socket.on("error", () => {
        client.destroy();
        server.destroy();
      });
      socket.on("close", () => {
        client.destroy();
        server.destroy();
        this.#sockets.delete(socket);
      });
    }
    const up = new Frames();
    client.on("data", (chunk: Buffer) => {
      for (const frame of up.split(chunk)) this.#upstream(frame, server, answers);
    });
    const down = new Frames();
    server.on("data", (chunk: Buffer) => {
      for (const frame of down.split(chunk)) this.#downstream(frame, client, answers);
    });
  }

  #upstream({ publish, bytes }: Frame, server: Socket, answers: Map<string, AppendFate>): void {
    const [, , subject = "", reply] = publish ?? [];
    if (reply === undefined || !/\.log\.\d+$/.test(subject)) {
      server.write(bytes);
      return;
    }
    this.#appends += 1;
    const fate = this.decide({ subject, count: this.#appends });
    answers.set(reply, fate);
    if (fate.delayMs === 0) {
      server.write(bytes);
      return;
    }
    this.late += 1;
    const copy = Buffer.from(bytes);
    setTimeout(() => {
      if (!server.destroyed) server.write(copy);
    }, fate.delayMs).unref();
  }

  #downstream({ message, bytes }: Frame, client: Socket, answers: Map<string, AppendFate>): void {
    const subject = message?.[2] ?? "";
    const fate = answers.get(subject);
    if (fate === undefined) {
      client.write(bytes);
      return;
    }
    answers.delete(subject);
    if (this.onStored?.() === true) return;
    if (fate.loseAnswer) this.lost += 1;
    else client.write(bytes);
  }
}
