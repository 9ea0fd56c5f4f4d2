import { isOver } from "@jichat/identity/claims.ts";
import { systemClock } from "@jichat/protocol/clock.ts";
import { CLOSE, ChatError } from "@jichat/protocol/errors.ts";
import type { Revocations } from "@jichat/identity/revocations.ts";
import type { Telemetry } from "@jichat/runtime/telemetry.ts";
import type { TokenBuckets } from "@jichat/runtime/token-bucket.ts";
import type { WakefulClock } from "@jichat/runtime/wakeful-clock.ts";
import { sweepActed } from "./activity.ts";
import type { AddressBudget } from "./address-budget.ts";
import type { Config } from "./config.ts";
import type { Hub } from "./hub.ts";
import type { TicketParts } from "./issue-ticket.ts";
import { issueTicket } from "./issue-ticket.ts";
import type { ConnectorMetrics } from "./metrics.ts";
import { replyError } from "./reply-error.ts";
import type { Session } from "./session.ts";

const SWEEP_MS = 500;
const REVOKED_DELAY_MS = 100;
/** Heartbeats of silence after which a socket is pinged. Clients that ping by themselves never reach it. */
const ASK_BEATS = 1.2;
/**
 * Pings to sockets that fell silent together are spread over this many heartbeats, so each sweep writes to
 * few.
 */
const ASKING_BEATS = 0.4;

type Sweepable = Pick<TokenBuckets, "sweep">;

/** Parts needed to end a session because of its identity. */
interface IdentitySweepParts extends TicketParts {
  readonly metrics: Pick<ConnectorMetrics, "countError">;
  readonly telemetry: Pick<Telemetry, "begin">;
}

interface SweepParts extends IdentitySweepParts {
  readonly hub: Pick<Hub, "size" | "sockets">;
  readonly config: Pick<Config, "heartbeatMs" | "helloMs">;
  readonly wakeful: Pick<WakefulClock, "now">;
  readonly revocations: Pick<Revocations, "onRevoked" | "refusalOf">;
  readonly messageBuckets: Sweepable;
  readonly byteBuckets: Sweepable;
  readonly memberBuckets: Sweepable;
  readonly handshakeBuckets: Sweepable;
  readonly addressBudget: Pick<AddressBudget, "sweep"> | undefined;
  readonly arrivals: Sweepable;
}

/**
 * Closes silent, expired and revoked sessions, and renews tickets before they expire. Returns a function that
 * stops it.
 */
export function startSweeps(parts: SweepParts): () => void {
  const timer = setInterval(() => {
    sweep(parts);
  }, SWEEP_MS);
  let checking: NodeJS.Timeout | undefined;
  parts.revocations.onRevoked(() => {
    checking ??= setTimeout(() => {
      checking = undefined;
      for (const session of parts.hub.sockets) closeIfRevoked(parts, session);
    }, REVOKED_DELAY_MS);
  });
  return () => {
    clearInterval(timer);
  };
}

function sweep(parts: SweepParts): void {
  const { hub, config, clock } = parts;
  // Time in which this process was suspended does not count as silence.
  const awake = parts.wakeful.now();
  const wallClock = clock.now();
  const asks = { left: asksPerSweep(hub.size, config.heartbeatMs) };
  for (const session of hub.sockets) {
    if (session.isLive) {
      sweepSilent(session, awake, config.heartbeatMs, asks);
      sweepActed(session, awake);
      session.unconfirmed?.sweep();
      if (session.isLive) sweepLive(parts, session, wallClock);
    } else if (session.isOpen && awake - session.birth.now > config.helloMs)
      session.close(CLOSE.unauthenticated, "no `hello` arrived in time");
  }
  const now = systemClock.monotonic();
  parts.messageBuckets.sweep(now);
  parts.byteBuckets.sweep(now);
  parts.memberBuckets.sweep(now);
  parts.handshakeBuckets.sweep(now);
  parts.addressBudget?.sweep(now);
  parts.arrivals.sweep(now);
}

/** Pings that one sweep may send, so that all sockets get theirs within `ASKING_BEATS` heartbeats. */
export const asksPerSweep = (sockets: number, heartbeatMs: number): number =>
  Math.ceil(sockets / Math.max(1, (ASKING_BEATS * heartbeatMs) / SWEEP_MS));

/**
 * Closes a session that is silent for two heartbeats. Pings it before that, at most `asks.left` sessions in
 * this sweep. `awake` is in ms on the clock that excludes suspension.
 */
export function sweepSilent(
  session: Session,
  awake: number,
  heartbeatMs: number,
  asks: { left: number },
): void {
  if (session.life === "heard") {
    session.life = "quiet";
    session.lastSeenAt = awake;
    return;
  }
  const silentMs = awake - session.lastSeenAt;
  if (silentMs > 2 * heartbeatMs) session.close(CLOSE.silent, "silent for two heartbeats");
  else if (silentMs > ASK_BEATS * heartbeatMs && session.life === "quiet" && asks.left > 0) {
    asks.left -= 1;
    session.life = "asked";
    session.ping();
  }
}

/**
 * Ends a session whose token has expired, and renews its ticket after three quarters of the ticket's life.
 * `wallClock` is in milliseconds since 1970.
 */
export function sweepLive(parts: IdentitySweepParts, session: Session, wallClock: number): void {
  const expiresAt = session.identity?.expiresAt ?? 0;
  // The same leeway as in the handshake. Otherwise a session that was just admitted would be closed again and
  // again.
  if (isOver(expiresAt, wallClock)) {
    end(
      parts,
      session,
      new ChatError("TOKEN_EXPIRED", "the token has expired and was not renewed"),
      CLOSE.expired,
    );
    return;
  }
  // A ticket never outlives its token, so there is no newer one to issue near the token's end.
  const { ticketIssuedAt, ticketExpiresAt } = session;
  const isAging = wallClock > ticketIssuedAt + 0.75 * (ticketExpiresAt - ticketIssuedAt);
  if (isAging && ticketExpiresAt < expiresAt) session.write({ t: "ticket", ...issueTicket(parts, session) });
}

function closeIfRevoked(parts: SweepParts, session: Session): void {
  if (session.identity === undefined || !session.isOpen) return;
  const refusal = parts.revocations.refusalOf(session.identity, session.device);
  if (refusal !== undefined) end(parts, session, refusal, CLOSE.unauthenticated);
}

function end(parts: IdentitySweepParts, session: Session, error: ChatError, code: number): void {
  replyError(parts.metrics, session, error, { traceId: parts.telemetry.begin("sweep").traceId });
  session.close(code, error.message);
}
