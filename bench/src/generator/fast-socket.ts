import type { Socket } from "node:net";
import { createConnection } from "node:net";
import { FlushScheduler } from "@jichat/connector/flush-scheduler.ts";
import { upgradeRequest } from "@jichat/e2e/upgrade-request.ts";

/** Shared by all sockets of this generator. */
const turn = new FlushScheduler();
const NOTHING = Buffer.alloc(0);
const [TEXT, PING] = [1, 9];
/** An empty pong, masked with zeros. Pings are empty, and so are their answers. */
const PONG = Buffer.from([0x8a, 0x80, 0, 0, 0, 0]);

/** A text frame as a client sends it, masked with zeros. */
export function textFrame(text: string): Buffer {
  const length = Buffer.byteLength(text);
  const header = length < 126 ? 6 : 8;
  const frame = Buffer.allocUnsafe(header + length);
  frame[0] = 0x81;
  frame[1] = 0x80 | (length < 126 ? length : 126);
  if (length >= 126) frame.writeUInt16BE(length, 2);
  frame.writeUInt32LE(0, header - 4);
  frame.write(text, header);
  return frame;
}

/**
 * A WebSocket client for load. It sends only text frames, masks them with zeros, and writes all frames of one
 * turn at once. Node's built-in client costs more per frame than everything that it would measure.
 */
export class FastSocket {
  readonly #socket: Socket;
  readonly #onText: (text: string) => void;
  #rest: Buffer = NOTHING;
  #frames: Buffer[] = [];
  /** Called once when the connection is closed by either side. */
  onClose: (() => void) | undefined;
  /** If it is set, incoming frames are only counted. */
  onCount: ((frames: number) => void) | undefined;

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
    if (this.#frames.length === 0) turn.flushLater(this);
    this.#frames.push(textFrame(text));
  }

  /** Writes prebuilt frames at once. */
  sendFrames(frames: Buffer): void {
    this.#socket.write(frames);
  }

  /** Writes the frames that were sent in this turn. */
  flush(): void {
    const [only] = this.#frames;
    if (only === undefined) return;
    this.#socket.write(this.#frames.length === 1 ? only : Buffer.concat(this.#frames));
    this.#frames = [];
  }

  /** Stops reading. */
  pause(): void {
    this.#socket.pause();
  }

  close(): void {
    this.#socket.destroy();
  }

  #take(chunk: Buffer): void {
    const data = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk]);
    let at = 0;
    let count = 0;
    while (data.length >= at + 2) {
      const short = (data[at + 1] ?? 0) & 0x7f;
      const body = at + (short === 126 ? 4 : short === 127 ? 10 : 2);
      if (data.length < body) break;
      const length =
        short === 126
          ? data.readUInt16BE(at + 2)
          : short === 127
            ? Number(data.readBigUInt64BE(at + 2))
            : short;
      if (data.length < body + length) break;
      const opcode = (data[at] ?? 0) & 0x0f;
      if (opcode === PING) this.#socket.write(PONG);
      else if (this.onCount !== undefined) count += 1;
      else if (opcode === TEXT) this.#onText(data.toString("utf8", body, body + length));
      at = body + length;
    }
    this.#rest = at === data.length ? NOTHING : data.subarray(at);
    if (count > 0) this.onCount?.(count);
  }
}
