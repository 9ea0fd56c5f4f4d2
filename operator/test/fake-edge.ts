import { hash } from "node:crypto";
import type { Server } from "node:http";
import { createServer } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import type { Traveller } from "./ws-frames.ts";
import { FrameReader, TEXT, textOf, written } from "./ws-frames.ts";

/** Of RFC 6455: what proves that the other end speaks WebSocket. */
const MAGIC = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

/** The only conversation, which all edges of a test share. */
export class FakeLog {
  readonly events: Traveller[] = [];
  readonly listeners = new Set<(event: Traveller) => void>();
  conversation: unknown;

  append(id: unknown, body: unknown): Traveller {
    const known = this.events.find((event) => event["id"] === id);
    if (known !== undefined) return known;
    const event = { t: "event", id, conversation: this.conversation, seq: this.events.length + 1, body };
    this.events.push(event);
    for (const listener of this.listeners) listener(event);
    return event;
  }
}

/** Says what a connector says to devices that talk: for tests of the talk, within this process. */
export class FakeEdge {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  readonly #log: FakeLog;

  private constructor(log: FakeLog) {
    this.#log = log;
    this.#server = createServer();
    this.#server.on("upgrade", ({ headers }, socket: Socket) => {
      const accept = hash("sha1", `${headers["sec-websocket-key"] ?? ""}${MAGIC}`, "base64");
      socket.write(
        [
          "HTTP/1.1 101 Switching Protocols",
          "Upgrade: websocket",
          "Connection: Upgrade",
          "Sec-WebSocket-Protocol: jichat.v1.json",
          `Sec-WebSocket-Accept: ${accept}`,
          "\r\n",
        ].join("\r\n"),
      );
      this.#serve(socket);
    });
  }

  static async start(log: FakeLog): Promise<FakeEdge> {
    const edge = new FakeEdge(log);
    await new Promise<void>((resolve) => {
      edge.#server.listen(0, "127.0.0.1", resolve);
    });
    return edge;
  }

  get url(): string {
    return `ws://127.0.0.1:${(this.#server.address() as AddressInfo).port}/v1/ws`;
  }

  close(): void {
    for (const socket of this.#sockets) socket.destroy();
    this.#server.close();
  }

  #serve(socket: Socket): void {
    this.#sockets.add(socket);
    const say = (frame: Traveller): void => {
      if (!socket.destroyed) socket.write(written(textOf(frame), false));
    };
    const reader = new FrameReader();
    socket.on("error", () => socket.destroy());
    socket.on("close", () => {
      this.#sockets.delete(socket);
      this.#log.listeners.delete(say);
    });
    socket.on("data", (bytes: Buffer) => {
      for (const { opcode, body } of reader.read(bytes))
        if (opcode === TEXT) this.#answer(JSON.parse(body.toString()) as Traveller, say);
        else socket.end(written({ opcode: 8, body }, false));
    });
  }

  #answer(frame: Traveller, say: (frame: Traveller) => void): void {
    const { t, id, conversation, body } = frame;
    const { events } = this.#log;
    switch (t) {
      case "hello":
        this.#log.listeners.add(say);
        say({ t: "welcome", ticket: "t", serverTime: Date.now(), limits: { messagesPerSecond: 50 } });
        return;
      case "send": {
        this.#log.conversation = conversation;
        const { seq } = this.#log.append(id, body);
        say({ t: "ack", id, conversation, seq });
        return;
      }
      case "sync":
        say({
          t: "synced",
          id,
          cursor: "c",
          conversations: [{ conversation: this.#log.conversation, head: events.length }],
        });
        return;
      default:
        if (conversation !== this.#log.conversation) say({ t: "error", id, code: "NOT_FOUND", message: "" });
        else say({ t: "page", id, conversation, events: events.slice(Number(frame["after"])) });
    }
  }
}
