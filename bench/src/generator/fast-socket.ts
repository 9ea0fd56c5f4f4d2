import type { Socket } from "node:net";
import { createConnection } from "node:net";
import { upgradeRequest } from "@jichat/e2e/upgrade-request.ts";

/**
 * A WebSocket client for load: text frames only, masked with zeros, all of one turn in one write. The client
 * that ships with Node costs more per frame than everything that it measures.
 */
export class FastSocket {
  readonly #socket: Socket;
  readonly #onText: (text: string) => void;
  #rest: Buffer = Buffer.alloc(0);
  #corked = false;
  /** Called once when the connection is gone, whoever ended it. */
  onClose: (() => void) | undefined;

  private constructor(socket: Socket, onText: (text: string) => void) {
    this.#socket = socket;
    this.#onText = onText;
  }

  static async open(url: string, onText: (text: string) => void): Promise<FastSocket> {
    const target = new URL(url);
    const socket = createConnection(Number(target.port), target.hostname);
    socket.setNoDelay(true);
    socket.write(upgradeRequest(target));
    const client = new FastSocket(socket, onText);
    await new Promise<void>((resolve, reject) => {
      socket.on("error", reject);
      socket.once("close", () => {
        reject(new Error("closed before it was upgraded"));
        client.onClose?.();
      });
      socket.once("data", (chunk: Buffer) => {
        const end = chunk.indexOf("\r\n\r\n");
        if (end < 0 || !chunk.toString("latin1", 0, 12).endsWith("101"))
          reject(new Error(`refused: ${chunk.toString("latin1", 0, 60)}`));
        socket.on("data", (more: Buffer) => {
          client.#take(more);
        });
        if (chunk.length > end + 4) client.#take(chunk.subarray(end + 4));
        resolve();
      });
    });
    return client;
  }

  send(text: string): void {
    const body = Buffer.from(text);
    const long = body.length >= 126;
    const frame = Buffer.allocUnsafe((long ? 8 : 6) + body.length);
    frame[0] = 0x81;
    frame[1] = 0x80 | (long ? 126 : body.length);
    if (long) frame.writeUInt16BE(body.length, 2);
    frame.fill(0, long ? 4 : 2, long ? 8 : 6);
    body.copy(frame, long ? 8 : 6);
    if (!this.#corked) {
      this.#corked = true;
      this.#socket.cork();
      setImmediate(() => {
        this.#corked = false;
        this.#socket.uncork();
      });
    }
    this.#socket.write(frame);
  }

  /** Reads nothing any more. */
  pause(): void {
    this.#socket.pause();
  }

  close(): void {
    this.#socket.destroy();
  }

  #take(chunk: Buffer): void {
    let data = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk]);
    for (;;) {
      if (data.length < 2) break;
      const short = (data[1] ?? 0) & 0x7f;
      const header = short === 126 ? 4 : short === 127 ? 10 : 2;
      if (data.length < header) break;
      const length =
        short === 126 ? data.readUInt16BE(2) : short === 127 ? Number(data.readBigUInt64BE(2)) : short;
      if (data.length < header + length) break;
      if (((data[0] ?? 0) & 0x0f) === 1) this.#onText(data.toString("utf8", header, header + length));
      data = data.subarray(header + length);
    }
    this.#rest = data;
  }
}
