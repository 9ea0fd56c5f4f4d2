import { isOver } from "@jichat/access/claims.ts";
import { systemClock } from "@jichat/protocol/clock.ts";
import { CLOSE, ChatError } from "@jichat/protocol/errors.ts";
import { issueTicket } from "./handshake.ts";
import { replyError } from "./handler.ts";
import type { Session } from "./session.ts";
import type { World } from "./world.ts";

const SWEEP_MS = 500;
const REVOKED_DELAY_MS = 100;

/**
 * Closes who is silent, expired or revoked, and hands out tickets before the old ones end. Returns how to
 * stop.
 */
export function startSweeps(world: World): () => void {
  const timer = setInterval(() => {
    sweep(world);
  }, SWEEP_MS);
  let checking: NodeJS.Timeout | undefined;
  world.revocations.onRevoked(() => {
    checking ??= setTimeout(() => {
      checking = undefined;
      for (const session of world.hub.sockets) closeIfRevoked(world, session);
    }, REVOKED_DELAY_MS);
  });
  return () => {
    clearInterval(timer);
  };
}

function sweep(world: World): void {
  const now = systemClock.monotonic();
  const wallClock = Date.now();
  for (const session of world.hub.sockets) {
    if (session.isLive) sweepLive(world, session, now, wallClock);
    else if (session.isOpen && now - session.birth.now > world.config.helloMs)
      session.close(CLOSE.unauthenticated, "no hello came");
  }
  world.messageBuckets.sweep(now);
  world.byteBuckets.sweep(now);
  world.memberBuckets.sweep(now);
  world.handshakeBuckets.sweep(now);
}

export function sweepLive(world: World, session: Session, now: number, wallClock: number): void {
  if (session.wasHeard) {
    session.wasHeard = false;
    session.lastSeenAt = now;
  } else if (now - session.lastSeenAt > 2 * world.config.heartbeatMs) {
    session.close(CLOSE.silent, "silent for two heartbeats");
    return;
  }
  const expiresAt = session.identity?.expiresAt ?? 0;
  // The same leeway as at the door: else one that was just let in would be closed at once, again and again.
  if (isOver(expiresAt, wallClock)) {
    end(
      world,
      session,
      new ChatError("TOKEN_EXPIRED", "the token has expired and was not renewed"),
      CLOSE.expired,
    );
    return;
  }
  // A ticket never outlives its token, so near the token's end there is none to hand out.
  const { ticketIssuedAt, ticketExpiresAt } = session;
  const isAging = wallClock > ticketIssuedAt + 0.75 * (ticketExpiresAt - ticketIssuedAt);
  if (isAging && ticketExpiresAt < expiresAt) session.write({ t: "ticket", ...issueTicket(world, session) });
}

function closeIfRevoked(world: World, session: Session): void {
  if (session.identity === undefined || !session.isOpen || !world.revocations.isRevoked(session.identity))
    return;
  end(
    world,
    session,
    new ChatError("UNAUTHENTICATED", "this token was revoked: sign in again"),
    CLOSE.unauthenticated,
  );
}

function end(world: World, session: Session, error: ChatError, code: number): void {
  replyError(world, session, error, undefined, world.telemetry.begin("sweep").traceId);
  session.close(code, error.message);
}
