import type { Outcome } from "../provider.ts";

/**
 * Outcomes by what they mean. Reasons are written to logs and dead letters: they name no token and no text.
 */
export const SENT: Outcome = { is: "sent" };
export const gone = (reason: string): Outcome => ({ is: "gone", reason });
export const refused = (reason: string): Outcome => ({ is: "refused", reason });
/** Worth another attempt, and says nothing about the provider. */
export const later = (reason: string, afterMs?: number): Outcome => ({
  is: "retry",
  reason,
  ...(afterMs === undefined ? {} : { afterMs }),
  isDown: false,
});
/** Worth another attempt, and others would fail in the same way now. */
export const down = (reason: string, afterMs?: number): Outcome => ({
  is: "retry",
  reason,
  ...(afterMs === undefined ? {} : { afterMs }),
  isDown: true,
});

/** Our credentials are refused, which is the same for everybody until a person changes them. */
export const unauthorized = (reason: string, afterMs?: number): Outcome => ({
  is: "retry",
  reason,
  ...(afterMs === undefined ? {} : { afterMs }),
  isDown: true,
  isUnauthorized: true,
});

/**
 * What a status means wherever a provider gives it no meaning of its own. Credentials that are refused are
 * wrong for everybody: they say nothing about the one registration.
 */
export function outcomeOfStatus(status: number, afterMs: number | undefined): Outcome {
  if (status >= 200 && status < 300) return SENT;
  if (status === 401 || status === 403) return unauthorized(`the credentials are refused: ${status}`, afterMs);
  if (status === 429 || status === 408) return later(`too much or too slow: ${status}`, afterMs);
  if (status >= 500) return down(`the provider fails: ${status}`, afterMs);
  if (status >= 400) return refused(`the push is refused: ${status}`);
  return down(`an answer that means nothing here: ${status}`, afterMs);
}
