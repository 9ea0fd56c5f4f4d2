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
import { Unconfirmed, gapTime } from "./unconfirmed.ts";
import type { ClientFrame } from "@jichat/conversation/client-frame.ts";

export type SessionState = "new" | "greeting" | "live" | "closed";
/**
 * A socket's state since the last sweep: `heard` (anything arrived), `quiet` (nothing), `asked` (nothing, and
 * a ping is out).
 */
export type Life = "heard" | "quiet" | "asked";
export type EncodedFrame = string | Uint8Array<ArrayBuffer>;

/** User data that uWS keeps for a socket. */
export interface SocketData {
  readonly session: Session;
}

/** What is known of a socket before its first frame. */
export interface SessionBirth {
  readonly address: string;
  readonly codec: Codec;
  /**
   * Time of the upgrade, on the clock that excludes suspension (`WakefulClock`). The sweep uses the same
   * clock.
   */
  readonly now: number;
  /**
   * A close code if the socket is to be refused. It is opened first, because a browser cannot read a refused
   * upgrade.
   */
  readonly refuseWith: number | undefined;
  readonly bufferedBytesMax: number;
  readonly turn: FlushScheduler;
}

/** Notices may fill this fraction (1 / NOTICES_SHARE) of the buffer limit. Above it they are dropped. */
const NOTICES_SHARE = 4;
/** After this many bytes uWS is asked again how much is buffered. The question itself is expensive. */
const ASK_AGAIN_BYTES = 16_384;
const FORCE_CLOSE_MS = 2_000;
/** The result of `send` if nothing had to be buffered. */
const SENT = 1;

/**
 * One socket, from the upgrade on. It is authenticated once its state is `live`. A write to a closed socket
 * does nothing.
 */
export class Session {
  readonly birth: SessionBirth;
  readonly gate = new SendGate();
  /** Created with the first frame (`intakeOf`). */
  intake: Intake | undefined;
  /** Frames that arrived while `hello` was being checked, with their sizes. */
  early: { readonly frame: ClientFrame; readonly bytes: number }[] | undefined;
  /**
   * The user's list as of the registration, for a `sync` among the early frames. It is dropped after those.
   */
  list: ReadList | undefined;
  state: SessionState = "new";
  id = "";
  user = "";
  device = "";
  echo = false;
  /** The application's name and version, as its hello said. */
  client: string | undefined;
  /** Monotonic. */
  helloAt = 0;
  /** Time of the hello in milliseconds since 1970, by the cluster's clock. */
  connectedAt = 0;
  /** Birth stamp given by the registration. It orders a user's sessions over all connectors. */
  bornAt: number | undefined;
  identity: Identity | undefined;
  ticketExpiresAt = 0;
  ticketIssuedAt = 0;
  registered = false;
  /** Events arrived before the welcome, so the session has to sync. */
  missed = false;
  malformedInARow = 0;
  unanswered = 0;
  /** A state, not a time: reading the clock for each frame would cost more. */
  life: Life = "quiet";
  /** Time of the first sweep after the last sign of life. */
  lastSeenAt: number;
  /** Since the last sweep the device sent a frame of its own: its hello, a write, `pull` or `sync`. */
  acted = true;
  /** Time of the first sweep after the last of these. */
  actedAt: number;
  /** What the device's latest `state` said; `undefined` if it has sent none. */
  saidActive: boolean | undefined;
  /** Allocated lazily: most sockets have no delivery most of the time. */
  unconfirmed: Unconfirmed | undefined;
  /** The close code with which this connector ended it. */
  endedWith: number | undefined;
  /** It was told to go to another connector. */
  isLeaving = false;
  /** It was told to leave a connector that drains, and has not gone in time. */
  isOverdue = false;
  #ws: WebSocket<SocketData> | undefined;
  /** Frames written in this turn. Allocated lazily: most sockets have none most of the time. */
  #outgoing: EncodedFrame[] | undefined;
  #outgoingBytes = 0;

  constructor(birth: SessionBirth) {
    this.birth = birth;
    this.lastSeenAt = birth.now;
    this.actedAt = birth.now;
  }

  opened(ws: WebSocket<SocketData>): void {
    this.#ws = ws;
  }

  /** uWS frees the socket after its close callback. Nothing may touch it from then on. */
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

  /** Anything arrived from the client. */
  heard(): void {
    this.life = "heard";
    this.unconfirmed?.heard();
  }

  /** An event of time `ts` was delivered. */
  delivered(ts: number): void {
    (this.unconfirmed ??= new Unconfirmed()).delivered(ts);
  }

  /** Tells the device to sync, in place of events that were not delivered. `now` is by the cluster's clock. */
  writeGap(now: number): void {
    this.write({ t: "gap" });
    this.delivered(gapTime(now));
  }

  write(frame: ServerFrame<BodyText>): void {
    if (this.isOpen) this.writeEncoded(this.birth.codec.write(frame));
  }

  /** Writes an encoded frame, which its readers share. It is sent at the end of this turn. */
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
   * Writes a frame that may be dropped. A slow reader loses notices long before it is closed as too slow.
   * False if it was dropped.
   */
  writeNotice(bytes: EncodedFrame): boolean {
    const unread = (this.#ws?.getBufferedAmount() ?? 0) + this.#outgoingBytes + bytes.length;
    if (unread > this.birth.bufferedBytesMax / NOTICES_SHARE) return false;
    this.writeEncoded(bytes);
    return true;
  }

  /**
   * Answers the frame that uWS is handing over. The socket is corked during that call, so the answers to all
   * frames of one read leave in one system call. If this turn has written frames already, the answer waits
   * with them. The caller may reuse the bytes after this returns.
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

  /** Sends the frames of this turn in one system call. */
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
        // uWS silently drops frames over its limit. So a reader that is too slow is closed, and resumes.
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

  /** Sends a WebSocket ping. A browser answers it by itself, even for a suspended page. */
  ping(): void {
    if (this.isOpen) this.#ws?.ping();
  }

  /**
   * Sends what is pending, then the close frame. Later writes do nothing. `closed` follows when uWS frees the
   * socket.
   */
  close(code: number, reason: string): void {
    this.flush(); // The client gets pending frames, such as the error, before the close.
    const ws = this.#ws;
    if (ws === undefined || !this.isOpen) return;
    this.state = "closed";
    this.endedWith = code;
    ws.end(code, reason);
    // A client that does not read the close frame is cut off. `#ws` is undefined if the socket has closed by
    // then.
    setTimeout(() => {
      this.#ws?.close();
    }, FORCE_CLOSE_MS).unref();
  }
}
