import type { Clock } from "@jichat/protocol/clock.ts";
import { ChatError } from "@jichat/protocol/errors.ts";
import type { ServerFrame, Welcome } from "@jichat/protocol/frame/server-frame.ts";
import { Alarm } from "./alarm.ts";
import { BROKEN, Closed, DROPPED } from "./closed.ts";
import type { FirstSync, Socket } from "./connection.ts";
import { Connection, FIRST_SYNC_ID } from "./connection.ts";
import type { Encoding } from "./encoding.ts";
import { errorOf } from "./error-of.ts";
import { messageOf } from "./message-of.ts";
import { readServerFrame } from "./server-frames.ts";

export interface HelloFields {
  readonly device: string;
  readonly token?: string;
  readonly ticket?: string;
  readonly client?: string | undefined;
  readonly echo?: boolean | undefined;
}

export interface Opening {
  readonly url: string;
  readonly encoding: Encoding;
  readonly hello: HelloFields;
  readonly firstSync: FirstSync["asked"];
  /** Cancels the try. Of this try alone, since its listeners stay. */
  readonly signal: AbortSignal;
  readonly clock: Clock;
  /** The longest time until the socket is open. */
  readonly openMs: number;
  /** Defaults to the platform's WebSocket; tests pass their own. */
  readonly socketTo?: (url: string, subprotocol: string) => Socket;
}

/** The longest time from the open socket to the welcome. */
const WELCOME_MS = 10_000;

const platformSocket = (url: string, subprotocol: string): Socket => new WebSocket(url, [subprotocol]);

/**
 * If the platform refuses to make the socket, it always will: it has no WebSocket, or does not allow this URL
 * on this page.
 */
function socketOf({ url, encoding, socketTo = platformSocket }: Opening): Socket {
  try {
    const socket = socketTo(url, encoding.subprotocol);
    socket.binaryType = "arraybuffer";
    return socket;
  } catch (cause) {
    const why = messageOf(cause);
    throw new ChatError("INVALID", `no WebSocket to ${url}: ${why}`, { cause });
  }
}

/** One try, from the socket to the welcome. */
class Handshake {
  readonly #opening: Opening;
  readonly #socket: Socket;
  readonly #deadline: Alarm;
  readonly #outcome = Promise.withResolvers<Connection>();
  readonly #early: ServerFrame[] = [];
  #isOver = false;
  #saidHello = false;
  #refused: ChatError | undefined;

  constructor(opening: Opening) {
    this.#opening = opening;
    this.#socket = socketOf(opening);
    this.#deadline = new Alarm(opening.clock);
  }

  async run(): Promise<Connection> {
    const { openMs, signal } = this.#opening;
    this.#allow(openMs);
    signal.addEventListener("abort", () => {
      this.#closed(DROPPED, "");
    });
    this.#socket.addEventListener("open", () => {
      if (!this.#isOver) this.#greet();
    });
    this.#socket.addEventListener("message", ({ data }) => {
      if (!this.#isOver) this.#hear(data);
    });
    this.#socket.addEventListener("close", ({ code, reason }) => {
      this.#closed(code, reason);
    });
    return this.#outcome.promise;
  }

  #allow(ms: number): void {
    this.#deadline.set(ms, () => {
      this.#closed(DROPPED, `${this.#opening.url}: no answer within ${ms / 1_000} s`);
    });
  }

  #greet(): void {
    const { encoding, hello, firstSync } = this.#opening;
    this.#allow(WELCOME_MS);
    this.#saidHello = true;
    this.#socket.send(encoding.write({ t: "hello", ...hello }));
    this.#socket.send(encoding.write({ ...firstSync, id: FIRST_SYNC_ID }));
  }

  #hear(data: unknown): void {
    try {
      const frame = readServerFrame(this.#opening.encoding.read(data));
      if (frame?.t === "welcome") this.#welcomed(frame);
      else if (frame?.t === "error" && frame.id === undefined) this.#refused = errorOf(frame);
      // The server may refuse a malformed frame before it decides about the hello.
      else if (frame !== undefined) this.#early.push(frame);
    } catch (thrown) {
      this.#fail(new Closed(BROKEN, messageOf(thrown)));
    }
  }

  #welcomed(welcome: Welcome): void {
    this.#over();
    const connection = new Connection({ ...this.#opening, socket: this.#socket, welcome });
    for (const before of this.#early) connection.receive(before);
    this.#outcome.resolve(connection);
  }

  #closed(code: number, reason: string): void {
    const why = reason === "" && !this.#saidHello ? `${this.#opening.url} cannot be reached` : reason;
    this.#fail(
      this.#refused === undefined
        ? new Closed(code, why, this.#saidHello && code === DROPPED)
        : Object.assign(this.#refused, { closeCode: code }),
    );
  }

  #fail(why: Error): void {
    if (this.#isOver) return;
    this.#over();
    this.#outcome.reject(why);
    this.#socket.close();
  }

  #over(): void {
    this.#isOver = true;
    this.#deadline.clear();
  }
}

/**
 * Opens a socket, sends the hello, and sends `firstSync` without waiting for the welcome. Rejects with the
 * ChatError that the server sent, which has the close code as `closeCode`; with Closed; or with INVALID if
 * the platform refuses to try. Takes `openMs` and 10 s at most.
 */
export async function openConnection(opening: Opening): Promise<Connection> {
  return new Handshake(opening).run();
}
