/**
 * How long an edge gathers commands before it sends them (ADR 0007). Where few wait for an answer, a batch
 * holds one command whatever is done, and gathering would bring nothing but the wait: lanes only keep step.
 * Where many wait, fewer and larger batches relieve the machine that makes them wait.
 */
const FEW = 8;
const MANY = 32;
const BEAT_MAX_MS = 16;
const REST_MAX_MS = 40;

/** 0 up to `FEW` unanswered commands of this edge, 1 from `MANY` on. */
const gathered = (unanswered: number): number => Math.min(1, Math.max(0, (unanswered - FEW) / (MANY - FEW)));

/** From one common start of an edge's lanes to the next: once to twice as long as an exchange takes. */
export const beatMs = (exchangeMs: number, unanswered: number): number =>
  Math.min(BEAT_MAX_MS, (1 + gathered(unanswered)) * exchangeMs);

/** From an answer to a lane's next batch: up to twice as long as its last exchange took. */
export const restMs = (exchangeMs: number, unanswered: number): number =>
  Math.min(REST_MAX_MS, 2 * gathered(unanswered) * exchangeMs);
