/**
 * How long an edge gathers commands before it sends them (ADR 0007). If few commands are unanswered, a batch
 * holds one command anyway, and gathering would only add delay. If many are unanswered, fewer and larger
 * batches take load from the machine that makes them wait.
 */
const FEW = 8;
const MANY = 32;
const BEAT_MAX_MS = 16;
const REST_MAX_MS = 40;

/** 0 up to `FEW` unanswered commands of this edge, 1 from `MANY` on, linear in between. */
const gathered = (unanswered: number): number => Math.min(1, Math.max(0, (unanswered - FEW) / (MANY - FEW)));

/**
 * Milliseconds from one common start of an edge's lanes to the next: one to two times the duration of an
 * exchange.
 */
export const beatMs = (exchangeMs: number, unanswered: number): number =>
  Math.min(BEAT_MAX_MS, (1 + gathered(unanswered)) * exchangeMs);

/** Milliseconds from an answer to a lane's next batch: up to twice the duration of its last exchange. */
export const restMs = (exchangeMs: number, unanswered: number): number =>
  Math.min(REST_MAX_MS, 2 * gathered(unanswered) * exchangeMs);
