import type { HistoryClient } from "@jichat/edge/history-client.ts";
import type { Syncs } from "@jichat/edge/sync.ts";
import { systemClock } from "@jichat/protocol/clock.ts";
import { errorOf } from "@jichat/protocol/bus/command.ts";
import { CLOSE, ChatError, asChatError, closeOf } from "@jichat/protocol/errors.ts";
import type { Level } from "@jichat/log/level.ts";
import type { ClientFrame } from "@jichat/conversation/client-frame.ts";
import { readClientFrame } from "@jichat/conversation/client-frame.ts";
import type { Hello, Pull, Renew, Sync } from "@jichat/protocol/frame/client-frame.ts";
import { idOf } from "@jichat/protocol/frame/client-frame.ts";
import type { Telemetry, Trace } from "@jichat/runtime/telemetry.ts";
import type { TokenBuckets } from "@jichat/runtime/token-bucket.ts";
import type { ArrivalGate } from "./arrival-gate.ts";
import type { FlushScheduler } from "./flush-scheduler.ts";
import { greetInTurn } from "./greet-in-turn.ts";
import type { TurnParts } from "./greet-in-turn.ts";
import type { FrameContext, IngressParts } from "./ingress.ts";
import { refuseSend, write } from "./ingress.ts";
import type { IntakeParts } from "./intake-of.ts";
import { intakeOf } from "./intake-of.ts";
import type { Intake } from "./intake.ts";
import { issueTicket } from "./issue-ticket.ts";
import type { ConnectorMetrics } from "./metrics.ts";
import { plainPong } from "./plain-pong.ts";
import { register } from "./registration.ts";
import { replyError } from "./reply-error.ts";
import type { Session } from "./session.ts";
import { socketTooFast, tooFast } from "./too-fast.ts";
import { notFoundLeavesAt } from "./unhurried.ts";

const EARLY_MAX = 64;
const MALFORMED_MAX = 3;

export interface FrameHandlerParts extends TurnParts, IngressParts, IntakeParts {
  readonly telemetry: Pick<Telemetry, "begin" | "log">;
  readonly metrics: Pick<ConnectorMetrics, "acked" | "countError" | "countFrame" | "countWelcome">;
  readonly turn: IntakeParts["turn"] & Pick<FlushScheduler, "next" | "now">;
  readonly arrivals: TurnParts["arrivals"] & Pick<ArrivalGate, "answered">;
  /** By address. */
  readonly handshakeBuckets: Pick<TokenBuckets, "spend">;
  /** The cluster's level. It decides which verbs are answered. */
  readonly level: Pick<Level, "current">;
  readonly past: Pick<HistoryClient, "page">;
  readonly syncs: Pick<Syncs, "page">;
}

/** Decodes WebSocket messages and dispatches them. */
export class FrameHandler {
  readonly #parts: FrameHandlerParts;

  constructor(parts: FrameHandlerParts) {
    this.#parts = parts;
  }

  /**
   * Handles one WebSocket message, now or in a later turn that has room for it. Never throws: an error is a
   * reply.
   */
  onMessage(session: Session, bytes: ArrayBuffer, binary: boolean): void {
    session.heard();
    if (!session.isOpen) return;
    const { turn } = this.#parts;
    const intake = intakeOf(this.#parts, session);
    if (intake.isHolding) {
      hold(session, intake, bytes, binary);
      return;
    }
    if (!binary && session.isLive && session.codecName === "json") {
      const pong = plainPong(bytes, turn);
      // A ping is too little work to wait for another turn. The rate limit alone bounds it.
      if (pong !== undefined && intake.admit(bytes.byteLength) === 0) {
        this.#answerPing(session, pong);
        return;
      }
    }
    if (intake.mayRead()) this.#read(session, intake, bytes, binary);
    else if (hold(session, intake, bytes, binary)) this.#readLater(session, intake);
  }

  #readLater(session: Session, intake: Intake): void {
    this.#parts.turn.next(() => {
      while (session.isOpen) {
        const held = intake.next();
        if (held === undefined) break;
        this.#read(session, intake, held.bytes, held.binary);
      }
      if (!session.isOpen) intake.drop();
      else if (intake.isHolding) this.#readLater(session, intake);
    });
  }

  #read(session: Session, intake: Intake, bytes: ArrayBuffer, binary: boolean): void {
    const { frameBytesMax, bodyBytesMax } = this.#parts.config;
    const waitMs = intake.admit(bytes.byteLength);
    let value: unknown;
    try {
      const tooLarge = bytes.byteLength > frameBytesMax;
      if (session.state !== "new" || !tooLarge) {
        value = session.birth.codec.read(bytes, binary); // Before any await: uWS reuses the buffer.
        session.birth.codec.check(value);
      }
      if (tooLarge) {
        throw new ChatError(
          "FRAME_TOO_LARGE",
          `a frame has at most ${frameBytesMax} bytes, and this one has ${bytes.byteLength}`,
        );
      }
      if (session.state === "new" && typeOf(value) !== "hello")
        throw new ChatError("UNAUTHENTICATED", "the first frame must be a `hello`");
      if (waitMs > 0 && typeOf(value) !== "send") throw errorOf(socketTooFast(waitMs));
      const frame = readClientFrame(value, bodyBytesMax, this.#parts.level.current);
      session.malformedInARow = 0;
      if (waitMs > 0) this.#refuseTooFast(session, frame, waitMs);
      else this.#admit(session, frame, bytes.byteLength);
    } catch (thrown) {
      // The thrown error carries the id if the bytes could not be decoded: see `Codec.read`.
      this.#refuseFrame(session, asChatError(thrown), idOf(value ?? thrown));
    }
  }

  /**
   * Refuses a frame over the rate limit. A refused send takes later sends of its conversation along. Before
   * the welcome its conversation is not known: see `waitForWelcome`.
   */
  #refuseTooFast(session: Session, frame: ClientFrame, waitMs: number): void {
    const refusal = socketTooFast(waitMs);
    if (session.isLive && frame.t === "send") refuseSend(this.#parts, session, frame, refusal);
    throw errorOf(refusal);
  }

  /** Answers a ping. It costs the user nothing and has no trace: see `plainPong`. */
  #answerPing(session: Session, pong: Uint8Array<ArrayBuffer>): void {
    session.malformedInARow = 0;
    this.#parts.metrics.countFrame("ping");
    session.writeAtOnce(pong);
  }

  #refuseFrame(session: Session, error: ChatError, id: string | undefined): void {
    const { traceId } = this.#parts.telemetry.begin("frame");
    if (error.code === "INTERNAL")
      this.#parts.telemetry.log.error({ err: error.cause, traceId }, "a frame could not be read");
    replyError(this.#parts.metrics, session, error, { id, traceId });
    if (session.state === "new") {
      // A client whose address is over its limit must wait, but its token is fine.
      if (error.code === "RATE_LIMITED") session.close(CLOSE.tooMany, error.message);
      else session.close(CLOSE.unauthenticated, "the first frame must be a `hello`");
      return;
    }
    if (error.code === "RATE_LIMITED") {
      if (session.state === "greeting") session.close(CLOSE.tooMany, error.message);
      return;
    }
    if (error.code === "FRAME_UNKNOWN") return;
    session.malformedInARow += 1;
    if (session.malformedInARow >= MALFORMED_MAX)
      session.close(CLOSE.malformed, "three malformed frames in a row");
  }

  #admit(session: Session, frame: ClientFrame, bytes: number): void {
    if (session.state === "greeting") {
      this.#waitForWelcome(session, frame, bytes);
      return;
    }
    this.#parts.metrics.countFrame(frame.t);
    if (frame.t === "ping" && session.isLive) {
      // A ping in MessagePack, or in JSON of another form than `plainPong` reads.
      session.write({ t: "pong", id: frame.id, serverTime: this.#parts.clock.now() });
      return;
    }
    if (frame.t === "state" && session.isLive) {
      session.saidActive = frame.active; // Not answered: a repetition changes nothing.
      return;
    }
    const trace = this.#parts.telemetry.begin(`connector ${frame.t}`);
    if (session.state === "new") {
      if (frame.t === "hello") void this.#begin(session, frame, trace);
      return;
    }
    void this.#answer(session, frame, { trace, bytes });
  }

  /**
   * Holds a frame until the welcome. One frame too many closes the socket: if only that frame were refused,
   * later sends could overtake it.
   */
  #waitForWelcome(session: Session, frame: ClientFrame, bytes: number): void {
    const early = (session.early ??= []);
    if (early.length < EARLY_MAX) {
      early.push({ frame, bytes });
      return;
    }
    const error = new ChatError("BUSY", `at most ${EARLY_MAX} frames may wait for the welcome: wait for it`);
    replyError(this.#parts.metrics, session, error, {
      id: idOf(frame),
      traceId: this.#parts.telemetry.begin("frame").traceId,
    });
    session.close(CLOSE.tooMany, error.message);
  }

  async #begin(session: Session, hello: Hello, trace: Trace): Promise<void> {
    session.state = "greeting";
    try {
      const { address } = session.birth;
      const waitMs = this.#parts.handshakeBuckets.spend(address, 1, systemClock.monotonic());
      if (waitMs > 0)
        throw new ChatError("RATE_LIMITED", "too many handshakes from this address", {
          retryAfterMs: waitMs,
        });
      await greetInTurn(this.#parts, session, hello, trace.traceId);
      const { early = [] } = session;
      session.early = undefined;
      if (session.isLive) for (const { frame, bytes } of early) this.#admit(session, frame, bytes);
      session.list = undefined;
    } catch (thrown) {
      const error = asChatError(thrown);
      if (error.code === "INTERNAL")
        this.#parts.telemetry.log.error({ err: thrown, traceId: trace.traceId }, "a handshake failed");
      replyError(this.#parts.metrics, session, error, { traceId: trace.traceId });
      session.close(
        closeOf(error.code) ?? (error.code === "RATE_LIMITED" ? CLOSE.tooMany : CLOSE.goingAway),
        error.message.slice(0, 120),
      );
    } finally {
      trace.span?.end();
    }
  }

  async #answer(session: Session, frame: ClientFrame, context: FrameContext): Promise<void> {
    const { trace } = context;
    const id = frame.t === "hello" ? undefined : frame.id;
    const arrived = systemClock.monotonic();
    session.unanswered += 1;
    try {
      await this.#dispatch(session, frame, context);
    } catch (thrown) {
      const error = asChatError(thrown);
      if (error.code === "INTERNAL")
        this.#parts.telemetry.log.error({ err: thrown, traceId: trace.traceId }, "a frame failed");
      trace.span?.setAttribute("error.code", error.code);
      // A slower NOT_FOUND would reveal that the conversation exists.
      if (error.code === "NOT_FOUND") {
        const now = systemClock.monotonic();
        await systemClock.sleep(notFoundLeavesAt(arrived, now) - now);
      }
      replyError(this.#parts.metrics, session, error, { id, traceId: trace.traceId });
    } finally {
      session.unanswered -= 1;
      trace.span?.end();
    }
  }

  /** Not async: an extra promise for each frame would live as long as the frame waits. */
  #dispatch(session: Session, frame: ClientFrame, context: FrameContext): Promise<void> {
    const { trace, bytes } = context;
    switch (frame.t) {
      case "ping": // These two are already taken in `#admit`.
      case "state":
      case "hello":
        throw new ChatError("FRAME_MALFORMED", "this socket has sent a `hello` already");
      case "pull":
        session.acted = true;
        this.#refuseTooFastUser(session, bytes);
        return this.#pull(session, frame, trace.traceId);
      case "sync":
        session.acted = true;
        this.#refuseTooFastUser(session, bytes);
        return this.#sync(session, frame, trace.traceId);
      case "renew":
        this.#refuseTooFastUser(session, bytes);
        return this.#renew(session, frame);
      default:
        session.acted = true;
        return write(this.#parts, session, frame, context);
    }
  }

  async #pull(session: Session, frame: Pull, traceId: string): Promise<void> {
    const { user, device } = session;
    const { id, conversation } = frame;
    const page = await this.#parts.past.page({ user, device, session: session.id }, frame);
    session.write({ t: "page", id, conversation, ...page, traceId });
  }

  async #sync(session: Session, frame: Sync, traceId: string): Promise<void> {
    const { user, list } = session;
    const began = systemClock.monotonic();
    const page = await this.#parts.syncs.page(user, frame, list);
    // The list of the registration is there for the first sync alone.
    if (list !== undefined) this.#parts.arrivals.answered(systemClock.monotonic() - began);
    session.write({ t: "synced", id: frame.id, ...page, traceId });
  }

  #refuseTooFastUser(session: Session, bytes: number): void {
    const refusal = tooFast(this.#parts, session, bytes);
    if (refusal !== undefined) throw errorOf(refusal);
  }

  async #renew(session: Session, frame: Renew): Promise<void> {
    const identity = await this.#parts.tokens.verify(frame.token);
    if (identity.user !== session.user)
      throw new ChatError("UNAUTHENTICATED", "this token belongs to another user");
    this.#parts.revocations.refuse(identity, session.device);
    session.identity = identity;
    // The list of sessions names the token that the device goes on with.
    void register(this.#parts, session);
    session.write({ t: "ticket", id: frame.id, ...issueTicket(this.#parts, session) });
  }
}

function hold(session: Session, intake: Intake, bytes: ArrayBuffer, binary: boolean): boolean {
  const isHeld = intake.hold(bytes, binary); // Copies the bytes, because uWS reuses the buffer.
  if (!isHeld) session.close(CLOSE.tooMany, "too many bytes at once");
  return isHeld;
}

const typeOf = (value: unknown): unknown =>
  typeof value === "object" && value !== null && "t" in value ? value.t : undefined;
