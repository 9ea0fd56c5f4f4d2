import type { Outcome } from "../provider.ts";
import { gone, outcomeOfStatus, refused } from "./outcomes.ts";

/**
 * An answer of a push service (RFC 8030 and 8292, and what Google, Mozilla, Microsoft and Apple document).
 */
export interface WebPushAnswer {
  readonly status: number;
  readonly afterMs: number | undefined;
  /** Whether this push service has taken a push that our present key signed. */
  readonly knowsKey: boolean;
}

export function webPushOutcome({ status, afterMs, knowsKey }: WebPushAnswer): Outcome {
  switch (status) {
    case 404:
    case 410:
      return gone(`the subscription exists no more: ${status}`);
    case 413:
      return refused("the payload is too large: 413");
    case 401:
    case 403:
      // A subscription may be made with anybody's key, so one that is refused must not stop the others. But
      // as long as this service has taken nothing that our key signed, the key itself may be wrong.
      if (knowsKey) return refused(`the subscription belongs to another key: ${status}`);
      break;
    case 301:
    case 302:
    case 303:
    case 307:
    case 308:
      return refused(`a redirect is not followed: ${status}`);
  }
  return outcomeOfStatus(status, afterMs);
}
