import type { WebSocket } from "uWebSockets.js";
import { SendGate } from "@jichat/edge/send-gate.ts";
import type { Identity } from "@jichat/identity/tokens.ts";
import type { BodyText } from "@jichat/protocol/frame/body.ts";
import type { Codec, CodecName } from "@jichat/protocol/frame/codec.ts";
import { CLOSE } from "@jichat/protocol/errors.ts";
import type { ServerFrame } from "@jichat/protocol/frame/server-frame.ts";
import type { ReadList } from "@jichat/presence/presence-texts.ts";
import type { Intake } from "./intake.ts";
import type { FlushScheduler } from "./flush-scheduler.ts";
import type { ClientFrame } from "@jichat/conversation/client-frame.ts";

export type SessionState = "new" | "greeting" | "live" | "closed";
/** What was heard of a socket since the last sweep: anything, nothing, or nothing though it was asked. */
export type Life = "heard" | "quiet" | "asked";
export type EncodedFrame = string | Uint8Array<ArrayBuffer>;

/** What uWS keeps for a socket. */
export interface SocketData {
  readonly session: Session;
}

/** What a socket is born with, before its first frame. */
export interface SessionBirth {
  readonly address: string;
  readonly codec: Codec;
  /** Of the clock that this process was awake by, as the sweep goes by it. */
  readonly now: number;
  /** Set when the socket is to be closed as soon as it is open: a browser cannot read a refused upgrade. */
  readonly refuseWith: number | undefined;
  readonly bufferedBytesMax: number;
  readonly turn: FlushScheduler;
}

/** Of what a reader may leave unread, one part in so many may be there before notices to it are dropped. */
const NOTICES_SHARE = 4;
/** How much is written before uWS is asked again how much of it is still there: each time costs. */
const ASK_AGAIN_BYTES = 16_384;
const FORCE_CLOSE_MS = 2_000;
/** What uWS says to a frame that did not have to wait for its reader. */
const SENT = 1;

/** One socket, from its opening on; authenticated once it is `live`. A write to a closed one does nothing. */
export class Session {
  readonly birth: SessionBirth;
  readonly gate = new SendGate();
  /** Made by its first frame. */
  intake: Intake | undefined;
  /** Frames that came while `hello` was being checked, with their lengths. */
  early: { readonly frame: ClientFrame; readonly bytes: number }[] | undefined;
  /** As of its registration, for the `sync` among these frames; nobody keeps it for a later one. */
  list: ReadList | undefined;
  state: SessionState = "new";
  id = "";
  user = "";
  device = "";
  echo = false;
  /** Monotonic. */
  helloAt = 0;
  /** As it was registered: it orders the sessions of a user over all connectors. */
  bornAt: number | undefined;
  identity: Identity | undefined;
  ticketExpiresAt = 0;
  ticketIssuedAt = 0;
  registered = false;
  /** Events came while it was greeting: it has to sync. */
  missed = false;
  malformedInARow = 0;
  unanswered = 0;
  /** The clock would cost more than the note. */
  life: Life = "quiet";
  /** The sweep behind its last sign of life. */
  lastSeenAt: number;
  #ws: WebSocket<SocketData> | undefined;
  /** What this turn has written. Nothing for most sockets, most of the time: it holds no list for that. */
  #outgoing: EncodedFrame[] | undefined;
  #outgoingBytes = 0;

  constructor(birth: SessionBirth) {
    this.birth = birth;
    this.lastSeenAt = birth.now;
  }

  opened(ws: WebSocket<SocketData>): void {
    this.#ws = ws;
  }

  /** uWS frees the socket after its close callback: nothing may touch it from here on. */
  closed(): void {
    this.#ws = undefined;
    this.intake?.drop();
    this.state = "closed";
  }

  get isOpen(): boolean {
    return this.state !== "closed";
  }

  get isLive(): boolean {
    return this.state === "live";
  }

  get codecName(): CodecName {
    return this.birth.codec.binary ? "msgpack" : "json";
  }

  write(frame: ServerFrame<BodyText>): void {
    if (this.isOpen) this.writeEncoded(this.birth.codec.write(frame));
  }

  /** A frame that was encoded before, for all its readers at once. It leaves at the end of this turn. */
  writeEncoded(bytes: EncodedFrame): void {
    if (!this.isOpen || this.#ws === undefined) return;
    if (this.#outgoing === undefined) {
      this.#outgoing = [bytes];
      this.birth.turn.flushLater(this);
    } else this.#outgoing.push(bytes);
    this.#outgoingBytes += bytes.length;
    if (this.#outgoingBytes > this.birth.bufferedBytesMax) this.flush();
  }

  /**
   * A frame that may be missed: a reader who is slow does without, long before it is closed for being too
   * slow. False where it was dropped.
   */
  writeNotice(bytes: EncodedFrame): boolean {
    const unread = (this.#ws?.getBufferedAmount() ?? 0) + this.#outgoingBytes + bytes.length;
    if (unread > this.birth.bufferedBytesMax / NOTICES_SHARE) return false;
    this.writeEncoded(bytes);
    return true;
  }

  /**
   * The answer to the frame that uWS is handing over: it has the socket corked, and sends what all frames of
   * one read were answered in one system call. Behind what this turn has written, it waits with that. The
   * bytes are the caller's again when this returns.
   */
  writeAtOnce(bytes: Uint8Array<ArrayBuffer>): void {
    const ws = this.#ws;
    if (this.#outgoing !== undefined || ws === undefined || !this.isOpen) {
      this.writeEncoded(bytes.slice());
      return;
    }
    const { bufferedBytesMax, codec } = this.birth;
    if (ws.send(bytes, codec.binary) !== SENT && ws.getBufferedAmount() > bufferedBytesMax)
      this.close(CLOSE.tooSlow, "too slow to read");
  }

  /** Sends what was written since the last time, in one system call. */
  flush(): void {
    const ws = this.#ws;
    const outgoing = this.#outgoing;
    this.#outgoing = undefined;
    this.#outgoingBytes = 0;
    if (ws === undefined || !this.isOpen || outgoing === undefined) return;
    const { bufferedBytesMax, codec } = this.birth;
    let isTooSlow = false;
    ws.cork(() => {
      let room = 0;
      for (const frame of outgoing) {
        // uWS drops what is over its limit without a word; a reader that slow is closed and resumes.
        if (frame.length > room) {
          const free = bufferedBytesMax - ws.getBufferedAmount();
          isTooSlow = frame.length > free;
          if (isTooSlow) return;
          room = Math.min(free, ASK_AGAIN_BYTES);
        }
        room -= frame.length;
        ws.send(frame, codec.binary);
      }
    });
    if (isTooSlow) this.close(CLOSE.tooSlow, "too slow to read");
  }

  /** Asks for a sign of life: a browser gives it by itself, also for a page that sleeps. */
  ping(): void {
    if (this.isOpen) this.#ws?.ping();
  }

  close(code: number, reason: string): void {
    this.flush(); // Whoever is closed hears first why.
    const ws = this.#ws;
    if (ws === undefined || !this.isOpen) return;
    this.state = "closed";
    ws.end(code, reason);
    // One that does not read its close either is cut; `closed` has run if the socket is gone by then.
    setTimeout(() => {
      this.#ws?.close();
    }, FORCE_CLOSE_MS).unref();
  }
}
