import { systemClock } from "@jichat/protocol/clock.ts";
import type { Refused } from "@jichat/protocol/bus/command.ts";
import { errorOf } from "@jichat/protocol/bus/command.ts";
import type { ErrorCode } from "@jichat/protocol/errors.ts";
import { CLOSE, ChatError, asChatError, closeOf } from "@jichat/protocol/errors.ts";
import type { ClientFrame, Hello, Pull, Renew, Sync } from "@jichat/protocol/frame/client-frame.ts";
import { idOf, readClientFrame } from "@jichat/protocol/frame/client-frame.ts";
import { checkAnswered } from "@jichat/protocol/level.ts";
import type { Trace } from "@jichat/runtime/telemetry.ts";
import { greet, issueTicket } from "./handshake.ts";
import { refuseSend, write } from "./ingress.ts";
import { intakeOf } from "./intake-of.ts";
import type { Intake } from "./intake.ts";
import { plainPong } from "./plain-pong.ts";
import type { Session } from "./session.ts";
import { tooFast } from "./too-fast.ts";
import { notFoundLeavesAt } from "./unhurried.ts";
import type { World } from "./world.ts";

const EARLY_MAX = 64;
const MALFORMED_MAX = 3;
/** Not the client's doing: an outage must not cost it its socket. */
const OURS = new Set<ErrorCode>(["UNAVAILABLE", "INTERNAL", "BUSY"]);

/**
 * Bytes of one WebSocket message to whatever they ask for, now or in a turn that has room for them. Never
 * throws: an error is a reply.
 */
export function onMessage(world: World, session: Session, bytes: ArrayBuffer, binary: boolean): void {
  session.life = "heard";
  if (!session.isOpen) return;
  const { turn } = world;
  const intake = intakeOf(world, session);
  if (intake.isHolding) {
    hold(session, intake, bytes, binary);
    return;
  }
  if (!binary && session.isLive && session.codecName === "json") {
    const pong = plainPong(bytes, turn);
    // Too little work to wait for another turn: the bucket alone bounds it.
    if (pong !== undefined && intake.admit(bytes.byteLength) === 0) {
      answerPing(world, session, pong);
      return;
    }
  }
  if (intake.mayRead()) read(world, session, intake, bytes, binary);
  else if (hold(session, intake, bytes, binary)) readLater(world, session, intake);
}

function hold(session: Session, intake: Intake, bytes: ArrayBuffer, binary: boolean): boolean {
  const isHeld = intake.hold(bytes, binary); // A copy: uWS reuses the buffer.
  if (!isHeld) session.close(CLOSE.tooMany, "more at once than may wait");
  return isHeld;
}

function readLater(world: World, session: Session, intake: Intake): void {
  world.turn.next(() => {
    while (session.isOpen) {
      const held = intake.next();
      if (held === undefined) break;
      read(world, session, intake, held.bytes, held.binary);
    }
    if (!session.isOpen) intake.drop();
    else if (intake.isHolding) readLater(world, session, intake);
  });
}

function read(world: World, session: Session, intake: Intake, bytes: ArrayBuffer, binary: boolean): void {
  const { frameBytesMax, bodyBytesMax } = world.config;
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
        `a frame is at most ${frameBytesMax} bytes, this one has ${bytes.byteLength}`,
      );
    }
    if (session.state === "new" && typeOf(value) !== "hello")
      throw new ChatError("UNAUTHENTICATED", "the first frame is a hello");
    if (waitMs > 0 && typeOf(value) !== "send") throw errorOf(socketTooFast(waitMs));
    // Before its fields are read: a build that does not know the verb would not read them either.
    checkAnswered(typeOf(value), world.level.current);
    const frame = readClientFrame(value, bodyBytesMax);
    session.malformedInARow = 0;
    if (waitMs > 0) refuseTooFast(world, session, frame, waitMs);
    else admit(world, session, frame, bytes.byteLength);
  } catch (thrown) {
    refuseFrame(world, session, asChatError(thrown), idOf(value ?? thrown)); // Of bytes: see `Codec.read`.
  }
}

const typeOf = (value: unknown): unknown =>
  typeof value === "object" && value !== null && "t" in value ? value.t : undefined;

const socketTooFast = (retryAfterMs: number): Refused => ({
  code: "RATE_LIMITED",
  message: "too many frames or bytes on this socket, or from its address",
  retryAfterMs,
});

/** A send takes those behind it along. Before the welcome nobody knows where it goes: see `waitForWelcome`. */
function refuseTooFast(world: World, session: Session, frame: ClientFrame, waitMs: number): void {
  const refusal = socketTooFast(waitMs);
  if (session.isLive && frame.t === "send") refuseSend(world, session, frame, refusal);
  throw errorOf(refusal);
}

/** Free, and without a trace: see `plainPong`. */
function answerPing(world: World, session: Session, pong: Uint8Array<ArrayBuffer>): void {
  session.malformedInARow = 0;
  world.metrics.countFrame("ping");
  session.writeAtOnce(pong);
}

function refuseFrame(world: World, session: Session, error: ChatError, id: string | undefined): void {
  const { traceId } = world.telemetry.begin("frame");
  if (error.code === "INTERNAL")
    world.telemetry.log.error({ err: error.cause, traceId }, "a frame could not be read");
  replyError(world, session, error, id, traceId);
  if (session.state === "new") {
    // Whose address says too much has to wait, with the token that it has.
    if (error.code === "RATE_LIMITED") session.close(CLOSE.tooMany, error.message);
    else session.close(CLOSE.unauthenticated, "the first frame is a hello");
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

function admit(world: World, session: Session, frame: ClientFrame, bytes: number): void {
  if (session.state === "greeting") {
    waitForWelcome(world, session, frame, bytes);
    return;
  }
  world.metrics.countFrame(frame.t);
  if (frame.t === "ping" && session.isLive) {
    // In MessagePack, or written in a way of its own.
    session.write({ t: "pong", id: frame.id, serverTime: world.clock.now() });
    return;
  }
  const trace = world.telemetry.begin(`connector ${frame.t}`);
  if (session.state === "new") {
    if (frame.t === "hello") void begin(world, session, frame, trace);
    return;
  }
  void answer(world, session, frame, bytes, trace);
}

/**
 * One frame too many ends the socket: were it alone refused, what comes behind it could be taken before it
 * comes again, and sends keep their order.
 */
function waitForWelcome(world: World, session: Session, frame: ClientFrame, bytes: number): void {
  const early = (session.early ??= []);
  if (early.length < EARLY_MAX) {
    early.push({ frame, bytes });
    return;
  }
  const error = new ChatError("BUSY", `at most ${EARLY_MAX} frames wait for a welcome`);
  replyError(world, session, error, idOf(frame), world.telemetry.begin("frame").traceId);
  session.close(CLOSE.tooMany, error.message);
}

async function begin(world: World, session: Session, hello: Hello, trace: Trace): Promise<void> {
  session.state = "greeting";
  try {
    const { address } = session.birth;
    const waitMs = world.handshakeBuckets.spend(address, 1, systemClock.monotonic());
    if (waitMs > 0)
      throw new ChatError("RATE_LIMITED", "too many handshakes from this address", { retryAfterMs: waitMs });
    await greet(world, session, hello, trace.traceId);
    const { early = [] } = session;
    session.early = undefined;
    if (session.isLive) for (const { frame, bytes } of early) admit(world, session, frame, bytes);
    session.list = undefined;
  } catch (thrown) {
    const error = asChatError(thrown);
    if (error.code === "INTERNAL")
      world.telemetry.log.error({ err: thrown, traceId: trace.traceId }, "a handshake failed");
    replyError(world, session, error, undefined, trace.traceId);
    session.close(
      closeOf(error.code) ?? (error.code === "RATE_LIMITED" ? CLOSE.tooMany : CLOSE.goingAway),
      error.message.slice(0, 120),
    );
  } finally {
    trace.span?.end();
  }
}

async function answer(
  world: World,
  session: Session,
  frame: ClientFrame,
  bytes: number,
  trace: Trace,
): Promise<void> {
  const id = frame.t === "hello" ? undefined : frame.id;
  const arrived = systemClock.monotonic();
  session.unanswered += 1;
  try {
    await dispatch(world, session, frame, trace, bytes);
  } catch (thrown) {
    const error = asChatError(thrown);
    if (error.code === "INTERNAL")
      world.telemetry.log.error({ err: thrown, traceId: trace.traceId }, "a frame failed");
    trace.span?.setAttribute("error.code", error.code);
    // What takes longer to find would tell whether it is there.
    if (error.code === "NOT_FOUND") {
      const now = systemClock.monotonic();
      await systemClock.sleep(notFoundLeavesAt(arrived, now) - now);
    }
    replyError(world, session, error, id, trace.traceId);
  } finally {
    session.unanswered -= 1;
    trace.span?.end();
  }
}

/** Not async itself: a promise of its own for every frame would live as long as the frame waits. */
function dispatch(
  world: World,
  session: Session,
  frame: ClientFrame,
  trace: Trace,
  bytes: number,
): Promise<void> {
  switch (frame.t) {
    case "ping": // Answered before, on every live socket.
    case "hello":
      throw new ChatError("FRAME_MALFORMED", "this socket has said hello already");
    case "pull":
      refuseTooFastUser(world, session, bytes);
      return pull(world, session, frame, trace.traceId);
    case "sync":
      refuseTooFastUser(world, session, bytes);
      return sync(world, session, frame, trace.traceId);
    case "renew":
      refuseTooFastUser(world, session, bytes);
      return renew(world, session, frame);
    default:
      return write(world, session, frame, trace, bytes);
  }
}

async function pull(world: World, session: Session, frame: Pull, traceId: string): Promise<void> {
  const { user, device } = session;
  const { id, conversation } = frame;
  const page = await world.past.page({ user, device, session: session.id }, frame);
  session.write({ t: "page", id, conversation, ...page, traceId });
}

async function sync(world: World, session: Session, frame: Sync, traceId: string): Promise<void> {
  const { user, list } = session;
  session.write({ t: "synced", id: frame.id, ...(await world.syncs.page(user, frame, list)), traceId });
}

function refuseTooFastUser(world: World, session: Session, bytes: number): void {
  const refusal = tooFast(world, session, bytes);
  if (refusal !== undefined) throw errorOf(refusal);
}

async function renew(world: World, session: Session, frame: Renew): Promise<void> {
  const identity = await world.tokens.verify(frame.token);
  if (identity.user !== session.user) throw new ChatError("UNAUTHENTICATED", "this token is another user's");
  session.identity = identity;
  session.write({ t: "ticket", id: frame.id, ...issueTicket(world, session) });
}

export function replyError(
  world: World,
  session: Session,
  error: ChatError,
  id: string | undefined,
  traceId: string,
): void {
  world.metrics.countError(error.code);
  session.write({
    t: "error",
    id,
    code: error.code,
    message: error.message,
    retryAfterMs: error.retryAfterMs,
    traceId,
  });
  if (!OURS.has(error.code) && session.intake?.refused() === true)
    session.close(CLOSE.tooMany, "too many refusals");
}
