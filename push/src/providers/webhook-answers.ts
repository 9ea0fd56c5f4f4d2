import type { Outcome } from "../provider.ts";
import { down, gone, outcomeOfStatus } from "./outcomes.ts";

/** What a webhook's answer means. Only 410 ends a registration: 404 is also what a wrong URL answers. */
export function webhookOutcome(status: number, afterMs: number | undefined): Outcome {
  if (status === 410) return gone("the receiver does not know the token any more: 410");
  if (status === 404) return down("the URL is not found: 404", afterMs);
  return outcomeOfStatus(status, afterMs);
}
