import type { Clock } from "@jichat/protocol/clock.ts";
import type { Sync } from "@jichat/protocol/frame/client-frame.ts";
import type { ServerFrame, Welcome } from "@jichat/protocol/frame/server-frame.ts";
import { Alarm } from "./alarm.ts";
import { BROKEN, Closed, DROPPED } from "./closed.ts";
import type { Encoding } from "./encoding.ts";
import { Liveness } from "./liveness.ts";
import { messageOf } from "./message-of.ts";
import { REPLY_MS, Replies } from "./replies.ts";
import { readServerFrame } from "./server-frames.ts";
import { tooLarge } from "./too-large.ts";

/** The sync that is sent right after the hello. With it, a reconnect takes one round trip instead of two. */
export interface FirstSync {
  readonly asked: Omit<Sync, "id">;
  readonly reply: Promise<ServerFrame>;
}

export interface ConnectionEvents {
  /** Receives every frame except the replies to `request`. */
  readonly onFrame: (frame: ServerFrame) => void;
  readonly onClose: (why: Closed) => void;
}

/** The part of a WebSocket that is used here. */
export type Socket = Pick<WebSocket, "binaryType" | "readyState" | "send" | "close" | "addEventListener">;

export interface ConnectionParts {
  readonly socket: Socket;
  readonly encoding: Encoding;
  readonly welcome: Welcome;
  readonly firstSync: FirstSync["asked"];
  readonly clock: Clock;
}

export const FIRST_SYNC_ID = "q0";
const OPEN = 1;
const UNANSWERED_MS = 60_000;

/** One socket that has been welcomed. */
export class Connection {
  readonly #parts: ConnectionParts;
  readonly #replies: Replies;
  #events: ConnectionEvents | undefined;
  #early: ServerFrame[] = [];
  readonly #liveness: Liveness;
  /** Checks at `#lookAt` whether the server is alive. */
  readonly #look: Alarm;
  #lookAt = Number.POSITIVE_INFINITY;
  #closed: Closed | undefined;
  /** When the oldest question was asked that is late, if nothing was answered since. */
  #unansweredSince: number | undefined;
  #requests = 0;
  readonly welcome: Welcome;
  readonly firstSync: FirstSync;

  constructor(parts: ConnectionParts) {
    const { socket, welcome, firstSync, clock } = parts;
    this.#parts = parts;
    this.welcome = welcome;
    this.#look = new Alarm(clock);
    this.#liveness = new Liveness(welcome.heartbeatMs, clock.monotonic());
    this.#liveness.sent(FIRST_SYNC_ID, clock.monotonic());
    this.#replies = new Replies(clock, (id) => {
      this.#liveness.forget(id);
      this.#isLate();
    });
    const reply = this.#replies.to(FIRST_SYNC_ID);
    reply.catch(() => undefined); // The reply may be stale by then, and nobody asks for it.
    this.firstSync = { asked: firstSync, reply };
    socket.addEventListener("message", ({ data }) => {
      this.#hear(data);
    });
    socket.addEventListener("close", ({ code, reason }) => {
      this.#end(new Closed(code, reason));
    });
  }

  /** Hands over every frame from here on, starting with those that came since the welcome. */
  listen(events: ConnectionEvents): void {
    this.#events = events;
    for (const frame of this.#early.splice(0)) events.onFrame(frame);
    if (this.#closed !== undefined) {
      events.onClose(this.#closed);
      return;
    }
    this.#lookAfter();
  }

  /** Asks whether the server is alive, even if something was heard lately. */
  probe(): void {
    if (!this.isOpen) return;
    this.#ping();
    this.#lookAfter();
  }

  #ping(): void {
    this.tell({ t: "ping" });
    this.#liveness.pinged(this.#parts.clock.monotonic());
  }

  /**
   * A question had no answer in time. A server that answers pings and no question for a minute is broken,
   * as one that answers no write is.
   */
  #isLate(): void {
    const now = this.#parts.clock.monotonic();
    this.#unansweredSince ??= now - REPLY_MS;
    if (now - this.#unansweredSince >= UNANSWERED_MS)
      this.#end(new Closed(DROPPED, "no answer for a minute"));
  }

  /** Sets the alarm, unless it is already set early enough. */
  #lookAfter(): void {
    const { at } = this.#liveness.next();
    if (this.#events === undefined || !this.isOpen || at >= this.#lookAt) return;
    this.#lookAt = at;
    this.#look.set(at - this.#parts.clock.monotonic(), () => {
      this.#lookAt = Number.POSITIVE_INFINITY;
      const next = this.#liveness.next();
      if (next.at <= this.#parts.clock.monotonic()) {
        if (next.act === "end") this.#end(new Closed(DROPPED, "the server is silent"));
        else this.#ping();
      }
      this.#lookAfter();
    });
  }

  get isOpen(): boolean {
    return this.#closed === undefined;
  }

  /**
   * Sends a frame that the server answers under its `id`. Throws FRAME_TOO_LARGE if the frame is over the
   * limits.
   */
  write(frame: { readonly id: string }): void {
    const encoded = this.#encode(frame);
    this.#transmit(encoded);
    this.#liveness.sent(frame.id, this.#parts.clock.monotonic());
    this.#lookAfter();
  }

  /** Sends a small frame that gets no answer. */
  tell(frame: object): void {
    this.#transmit(this.#parts.encoding.write(frame));
  }

  /**
   * Throws FRAME_TOO_LARGE if the frame is over the limits. The server would end the connection for such a
   * frame.
   */
  check(frame: object): void {
    this.#encode(frame);
  }

  #encode(frame: object): string | Uint8Array<ArrayBuffer> {
    const encoded = this.#parts.encoding.write(frame);
    const refusal = tooLarge(frame, encoded, this.welcome.limits);
    if (refusal !== undefined) throw refusal;
    return encoded;
  }

  #transmit(encoded: string | Uint8Array<ArrayBuffer>): void {
    if (this.isOpen && this.#parts.socket.readyState === OPEN) this.#parts.socket.send(encoded);
  }

  /**
   * Sends a frame under an id of its own, and resolves with the reply. Rejects with the error that the server
   * answered, with Closed, or with FRAME_TOO_LARGE.
   */
  async request(frame: object): Promise<ServerFrame> {
    if (this.#closed !== undefined) throw this.#closed;
    this.#requests += 1;
    const asked = { ...frame, id: `q${this.#requests}` };
    this.write(asked);
    return this.#replies.to(asked.id);
  }

  close(why = new Closed(1000, "")): void {
    this.#end(why);
  }

  /** A frame that breaks the protocol ends the connection, since nothing after it could be trusted. */
  #hear(data: unknown): void {
    if (!this.isOpen) return;
    let frame: ServerFrame | undefined;
    try {
      frame = readServerFrame(this.#parts.encoding.read(data));
    } catch (thrown) {
      this.#end(new Closed(BROKEN, messageOf(thrown)));
      return;
    }
    this.receive(frame);
  }

  /** Takes a frame of this socket; undefined stands for a frame that only shows that the server is alive. */
  receive(frame: ServerFrame | undefined): void {
    const id = frame !== undefined && "id" in frame && frame.t !== "event" ? frame.id : undefined;
    this.#liveness.heard(id, this.#parts.clock.monotonic());
    if (id !== undefined) this.#unansweredSince = undefined;
    if (frame === undefined || this.#replies.settle(id, frame)) return;
    if (this.#events === undefined) this.#early.push(frame);
    else this.#events.onFrame(frame);
  }

  #end(why: Closed): void {
    if (this.#closed !== undefined) return;
    this.#closed = why;
    this.#look.clear();
    this.#replies.fail(why);
    this.#parts.socket.close();
    this.#events?.onClose(why);
  }
}
