import type { Clock } from "@jichat/protocol/clock.ts";
import { ChatError, isErrorCode } from "@jichat/protocol/errors.ts";
import type { Sync } from "@jichat/protocol/frame/client-frame.ts";
import type { ErrorFrame, ServerFrame, Welcome } from "@jichat/protocol/frame/server-frame.ts";
import { Alarm } from "./alarm.ts";
import type { Encoding } from "./encoding.ts";
import { Liveness } from "./liveness.ts";

export interface HelloFields {
  readonly device: string;
  readonly token?: string;
  readonly ticket?: string;
  readonly client?: string | undefined;
  readonly echo?: boolean | undefined;
}

/** The sync that goes right behind the hello: coming back takes one round trip and not two. */
export interface FirstSync {
  readonly asked: Omit<Sync, "id">;
  readonly reply: Promise<ServerFrame>;
}

export interface ConnectionEvents {
  /** Every frame but the replies to `request`. */
  readonly onFrame: (frame: ServerFrame) => void;
  readonly onClose: (code: number, reason: string) => void;
}

const OPEN_TIMEOUT_MS = 10_000;
const REQUEST_TIMEOUT_MS = 10_000;
const FIRST_SYNC_ID = "q0";

export const errorOf = ({ code, message, retryAfterMs }: ErrorFrame): ChatError =>
  new ChatError(
    isErrorCode(code) ? code : "INTERNAL",
    message,
    retryAfterMs === undefined ? {} : { retryAfterMs },
  );

/** A socket that was closed before it was welcomed, or while something waited for a reply. */
export class Closed extends Error {
  override readonly name = "Closed";
  readonly code: number;

  constructor(code: number, reason: string) {
    super(`closed with ${code}${reason === "" ? "" : `: ${reason}`}`);
    this.code = code;
  }
}

/** One socket that has been welcomed. */
export class Connection {
  readonly #socket: WebSocket;
  readonly #encoding: Encoding;
  readonly #replies = new Map<
    string,
    {
      resolve: (frame: ServerFrame) => void;
      reject: (error: Error) => void;
      timer: ReturnType<typeof setTimeout>;
    }
  >();
  #events: ConnectionEvents | undefined;
  #early: ServerFrame[] = [];
  readonly #clock: Clock;
  readonly #liveness: Liveness;
  /** Looks whether the other end lives, at `#lookAt`. */
  readonly #look: Alarm;
  #lookAt = Number.POSITIVE_INFINITY;
  #closed: Closed | undefined;
  #requests = 0;
  readonly welcome: Welcome;
  readonly firstSync: FirstSync;

  private constructor(
    socket: WebSocket,
    encoding: Encoding,
    welcome: Welcome,
    firstSync: FirstSync["asked"],
    clock: Clock,
  ) {
    this.#socket = socket;
    this.#encoding = encoding;
    this.welcome = welcome;
    this.#clock = clock;
    this.#look = new Alarm(clock);
    this.#liveness = new Liveness(welcome.heartbeatMs, clock.monotonic());
    this.#liveness.sent(FIRST_SYNC_ID, clock.monotonic());
    const reply = this.#replyTo(FIRST_SYNC_ID);
    reply.catch(() => undefined); // It may be stale by now: then nobody asks how it went.
    this.firstSync = { asked: firstSync, reply };
  }

  /**
   * Opens a socket, says hello and asks `firstSync` without waiting for the welcome. Rejects with a ChatError
   * that the server sent, or with Closed.
   */
  static async open(
    url: string,
    encoding: Encoding,
    hello: HelloFields,
    firstSync: FirstSync["asked"],
    signal: AbortSignal,
    clock: Clock,
  ): Promise<Connection> {
    const socket = new WebSocket(url, [encoding.subprotocol]);
    socket.binaryType = "arraybuffer";
    const { promise, resolve, reject } = Promise.withResolvers<Connection>();
    const giveUp = (why: string): void => {
      reject(new Closed(1006, why));
      socket.close();
    };
    const timer = setTimeout(() => {
      giveUp("no welcome in time");
    }, OPEN_TIMEOUT_MS);
    const onAbort = (): void => {
      giveUp("given up");
    };
    signal.addEventListener("abort", onAbort, { once: true });
    const settled = (): void => {
      clearTimeout(timer);
      signal.removeEventListener("abort", onAbort);
    };
    let connection: Connection | undefined;
    let refused: ChatError | undefined;
    const early: ServerFrame[] = [];
    socket.addEventListener("open", () => {
      socket.send(encoding.write({ t: "hello", ...hello }));
      socket.send(encoding.write({ ...firstSync, id: FIRST_SYNC_ID }));
    });
    socket.addEventListener("message", ({ data }) => {
      const frame = encoding.read(data);
      if (connection !== undefined) connection.#take(frame);
      else if (frame.t === "welcome") {
        settled();
        connection = new Connection(socket, encoding, frame, firstSync, clock);
        for (const before of early) connection.#take(before);
        resolve(connection);
      } else if (frame.t === "error" && frame.id === undefined) refused = errorOf(frame);
      else early.push(frame); // What is malformed is refused at once, before the hello is decided.
    });
    socket.addEventListener("close", ({ code, reason }) => {
      settled();
      if (connection === undefined)
        reject(
          refused === undefined ? new Closed(code, reason) : Object.assign(refused, { closeCode: code }),
        );
      else connection.#end(new Closed(code, reason));
    });
    return promise;
  }

  /** From here on frames are handed over, those that came since the welcome first. */
  listen(events: ConnectionEvents): void {
    this.#events = events;
    for (const frame of this.#early.splice(0)) events.onFrame(frame);
    if (this.#closed !== undefined) {
      events.onClose(this.#closed.code, this.#closed.message);
      return;
    }
    this.#lookAfter();
  }

  /** Asks whether the other end lives, whatever was heard lately. */
  probe(): void {
    if (!this.isOpen) return;
    this.#ping();
    this.#lookAfter();
  }

  #ping(): void {
    this.#send({ t: "ping" });
    this.#liveness.pinged(this.#clock.monotonic());
  }

  /** Sets the alarm, unless it rings early enough as it is. */
  #lookAfter(): void {
    const { at } = this.#liveness.next();
    if (this.#events === undefined || !this.isOpen || at >= this.#lookAt) return;
    this.#lookAt = at;
    this.#look.set(at - this.#clock.monotonic(), () => {
      this.#lookAt = Number.POSITIVE_INFINITY;
      const next = this.#liveness.next();
      if (next.at <= this.#clock.monotonic()) {
        if (next.act === "end") this.#end(new Closed(1006, "the server is silent"));
        else this.#ping();
      }
      this.#lookAfter();
    });
  }

  get isOpen(): boolean {
    return this.#closed === undefined;
  }

  /** A frame that the server answers, under its `id`. */
  write(frame: { readonly id: string }): void {
    this.#send(frame);
    this.#liveness.sent(frame.id, this.#clock.monotonic());
    this.#lookAfter();
  }

  #send(frame: object): void {
    if (this.isOpen && this.#socket.readyState === 1) this.#socket.send(this.#encoding.write(frame));
  }

  /**
   * Sends a frame under an id of its own and resolves with the reply to it. Rejects with what the server
   * answered.
   */
  async request(frame: object): Promise<ServerFrame> {
    if (this.#closed !== undefined) throw this.#closed;
    this.#requests += 1;
    const id = `q${this.#requests}`;
    const reply = this.#replyTo(id);
    this.write({ ...frame, id });
    return reply;
  }

  async #replyTo(id: string): Promise<ServerFrame> {
    const { promise, resolve, reject } = Promise.withResolvers<ServerFrame>();
    const timer = setTimeout(() => {
      this.#replies.delete(id);
      this.#liveness.forget(id);
      reject(new ChatError("UNAVAILABLE", "no reply in time"));
    }, REQUEST_TIMEOUT_MS);
    this.#replies.set(id, { resolve, reject, timer });
    return promise;
  }

  close(why = new Closed(1000, "")): void {
    this.#end(why);
  }

  #take(frame: ServerFrame): void {
    const id = "id" in frame && frame.t !== "event" ? frame.id : undefined;
    this.#liveness.heard(id, this.#clock.monotonic());
    const waiting = id === undefined ? undefined : this.#replies.get(id);
    if (id !== undefined && waiting !== undefined) {
      this.#replies.delete(id);
      clearTimeout(waiting.timer);
      if (frame.t === "error") waiting.reject(errorOf(frame));
      else waiting.resolve(frame);
    } else if (this.#events === undefined) this.#early.push(frame);
    else this.#events.onFrame(frame);
  }

  #end(why: Closed): void {
    if (this.#closed !== undefined) return;
    this.#closed = why;
    this.#look.clear();
    for (const { reject, timer } of this.#replies.values()) {
      clearTimeout(timer);
      reject(why);
    }
    this.#replies.clear();
    this.#socket.close();
    this.#events?.onClose(why.code, why.message);
  }
}
