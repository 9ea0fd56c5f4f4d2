import type { Socket } from "node:net";
import { createConnection } from "node:net";
import { decode, encode } from "@msgpack/msgpack";
import { upgradeRequest } from "./upgrade-request.ts";

export type Frame = Readonly<Record<string, unknown>> & { readonly t: string };

const REPLY_MS = 10_000;

/** A socket without the SDK. It sends exactly what it is told, and keeps everything that it receives. */
export class Raw {
  readonly frames: Frame[] = [];
  readonly closed: Promise<{ code: number; reason: string }>;
  readonly #socket: WebSocket;
  readonly #opened: Promise<void>;
  #waiting: (() => void)[] = [];
  #closedWith: number | undefined;

  constructor(
    url: string,
    protocols: readonly string[] = ["jichat.v1.json"],
    headers: Readonly<Record<string, string>> = {},
  ) {
    this.#socket = new WebSocket(url, { protocols: [...protocols], headers } as never);
    this.#socket.binaryType = "arraybuffer";
    this.#opened = new Promise((resolve) => {
      this.#socket.addEventListener(
        "open",
        () => {
          resolve();
        },
        { once: true },
      );
    });
    this.#socket.addEventListener("message", ({ data }) => {
      this.frames.push(
        (typeof data === "string" ? JSON.parse(data) : decode(new Uint8Array(data as ArrayBuffer))) as Frame,
      );
      for (const wake of this.#waiting.splice(0)) wake();
    });
    this.closed = new Promise((resolve) => {
      this.#socket.addEventListener(
        "close",
        ({ code, reason }) => {
          this.#closedWith = code;
          resolve({ code, reason });
          for (const wake of this.#waiting.splice(0)) wake();
        },
        { once: true },
      );
    });
  }

  /** The subprotocol that the server chose. */
  get protocol(): string {
    return this.#socket.protocol;
  }

  async opened(): Promise<this> {
    await this.#opened;
    return this;
  }

  /** Sends data unchanged: text stays text, and bytes stay bytes. */
  async write(data: string | Uint8Array<ArrayBuffer>): Promise<void> {
    await this.#opened;
    this.#socket.send(data);
  }

  async say(frame: object): Promise<void> {
    await this.#opened;
    this.#socket.send(this.#socket.protocol === "jichat.v1.msgpack" ? encode(frame) : JSON.stringify(frame));
  }

  /**
   * Resolves with the first frame, received already or later, that satisfies `test`. Rejects when the socket has
   * closed without it, or in the end.
   */
  async hear(test: (frame: Frame) => boolean, withinMs = REPLY_MS): Promise<Frame> {
    const end = performance.now() + withinMs;
    for (;;) {
      const found = this.frames.find(test);
      if (found !== undefined) return found;
      const left = this.#closedWith === undefined ? end - performance.now() : 0;
      if (left <= 0) {
        const closed = this.#closedWith;
        const until =
          closed === undefined ? `within ${withinMs} ms` : `until the socket closed with ${closed}`;
        const heard = JSON.stringify(this.frames).slice(0, 500);
        throw new Error(`nothing such was heard ${until}; heard ${heard}`);
      }
      const { promise, resolve } = Promise.withResolvers<void>();
      this.#waiting.push(resolve);
      const timer = setTimeout(resolve, left);
      await promise;
      clearTimeout(timer);
    }
  }

  async ask(frame: { readonly id: string } & Readonly<Record<string, unknown>>): Promise<Frame> {
    const before = this.frames.length;
    await this.say(frame);
    return this.hear(
      (heard) => heard["id"] === frame.id && heard.t !== "event" && this.frames.indexOf(heard) >= before,
    );
  }

  async hello(token: string, device = "raw", more: object = {}): Promise<Frame> {
    await this.say({ t: "hello", token, device, ...more });
    return this.hear(({ t }) => t === "welcome" || t === "error");
  }

  close(): void {
    this.#socket.close();
  }
}

/**
 * A WebSocket without a library, for what no library would send: single bytes, fragmented frames, or a reader
 * that stops.
 */
export class Bytes {
  readonly socket: Socket;
  received = 0;
  readonly ended: Promise<void>;

  private constructor(socket: Socket) {
    this.socket = socket;
    this.ended = new Promise((resolve) => {
      socket.once("close", () => {
        resolve();
      });
    });
    socket.on("error", () => undefined); // A reset counts as an end too.
  }

  static async open(url: string): Promise<Bytes> {
    const target = new URL(url);
    const socket = createConnection(Number(target.port), target.hostname);
    const bytes = new Bytes(socket);
    socket.write(upgradeRequest(target));
    await new Promise<void>((resolve) => {
      socket.once("data", () => {
        resolve();
      });
    });
    socket.on("data", (chunk: Buffer) => {
      bytes.received += chunk.length;
    });
    return bytes;
  }

  /** One WebSocket frame, masked with zeros; `opcode` 1 is text, 0 a continuation. */
  static frame(
    text: string,
    { opcode = 1, fin = true }: { readonly opcode?: number; readonly fin?: boolean } = {},
  ): Buffer {
    const body = Buffer.from(text);
    const first = (fin ? 0x80 : 0) | opcode;
    const length =
      body.length < 126
        ? Buffer.from([0x80 | body.length])
        : Buffer.from([0x80 | 126, body.length >> 8, body.length & 255]);
    return Buffer.concat([Buffer.from([first]), length, Buffer.alloc(4), body]);
  }
}
