import type { AddressInfo, Server, Socket } from "node:net";
import { createConnection, createServer } from "node:net";
import type { Frame, Traveller } from "./ws-frames.ts";
import { FrameReader, TEXT, textOf, written } from "./ws-frames.ts";

/** What becomes of frames: returned as they are or changed, or left out by `undefined`. */
export interface Meddling {
  readonly toDevice?: (frame: Traveller) => Traveller | undefined;
  /** `answer` sends a frame to the device as if the connector had. */
  readonly toServer?: (frame: Traveller, answer: (frame: Traveller) => void) => Traveller | undefined;
  /** Frames to the device arrive that much later. */
  readonly delayMs?: number;
}

const END_OF_HEAD = "\r\n\r\n";

/** Stands before a connector and does to frames what a broken build of it would do. */
export class Meddler {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();

  private constructor(server: Server) {
    this.#server = server;
  }

  static async before(url: string, meddling: Meddling): Promise<Meddler> {
    const server = createServer();
    const meddler = new Meddler(server);
    server.on("connection", (device) => {
      meddler.#join(device, Number(new URL(url).port), meddling);
    });
    await new Promise<void>((resolve) => {
      server.listen(0, "127.0.0.1", resolve);
    });
    return meddler;
  }

  get url(): string {
    return `ws://127.0.0.1:${(this.#server.address() as AddressInfo).port}/v1/ws`;
  }

  close(): void {
    for (const socket of this.#sockets) socket.destroy();
    this.#server.close();
  }

  #join(device: Socket, port: number, { toDevice, toServer, delayMs = 0 }: Meddling): void {
    const server = createConnection({ port, host: "127.0.0.1" });
    for (const socket of [device, server]) {
      this.#sockets.add(socket);
      socket.setNoDelay(true);
      socket.on("error", () => socket.destroy());
      socket.on("close", () => {
        this.#sockets.delete(socket);
        device.destroy();
        server.destroy();
      });
    }
    const say = (frame: Frame): void => {
      setTimeout(() => device.write(written(frame, false)), delayMs);
    };
    const answer = (frame: Traveller): void => {
      say(textOf(frame));
    };
    // Without compression frames can be read.
    const asIs = (head: string): string => head.replace(/^sec-websocket-extensions:.*\r\n/im, "");
    pass(device, asIs, (head) => server.write(head), {
      frame: (frame) => server.write(written(frame, true)),
      change: (frame) => (toServer === undefined ? frame : toServer(frame, answer)),
    });
    pass(
      server,
      (head) => head,
      (head) => device.write(head),
      {
        frame: say,
        change: (frame) => (toDevice === undefined ? frame : toDevice(frame)),
      },
    );
  }
}

interface Passing {
  readonly frame: (frame: Frame) => void;
  readonly change: (frame: Traveller) => Traveller | undefined;
}

/** The head of the upgrade first, then frames. */
function pass(
  from: Socket,
  changeHead: (head: string) => string,
  writeHead: (head: string) => void,
  { frame, change }: Passing,
): void {
  let head: string | undefined = "";
  const reader = new FrameReader();
  from.on("data", (bytes: Buffer) => {
    let rest = bytes;
    if (head !== undefined) {
      head += bytes.toString("latin1");
      const end = head.indexOf(END_OF_HEAD);
      if (end < 0) return;
      writeHead(changeHead(head.slice(0, end + END_OF_HEAD.length)));
      rest = Buffer.from(head.slice(end + END_OF_HEAD.length), "latin1");
      head = undefined;
    }
    for (const one of reader.read(rest)) {
      if (one.opcode !== TEXT) {
        frame(one);
        continue;
      }
      const changed = change(JSON.parse(one.body.toString()) as Traveller);
      if (changed !== undefined) frame(textOf(changed));
    }
  });
}
