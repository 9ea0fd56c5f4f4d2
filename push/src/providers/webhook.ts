import type { KeyObject } from "node:crypto";
import type { Clock } from "@jichat/protocol/clock.ts";
import type { Provider } from "../provider.ts";
import { ATTEMPT_MS, outcomeOfError, within } from "./attempt.ts";
import type { GuardOptions } from "./guarded-agent.ts";
import { AddressRefused, guardedAgent } from "./guarded-agent.ts";
import { down, refused } from "./outcomes.ts";
import { post } from "./post.ts";
import { retryAfterMs } from "./retry-after.ts";
import { webhookOutcome } from "./webhook-answers.ts";
import { webhookBody, webhookHeaders } from "./webhook-request.ts";

export interface WebhookOptions {
  readonly url: URL;
  /** The first one is the present one. (A key that is made for each signature costs seven times as much.) */
  readonly secrets: readonly KeyObject[];
  readonly guard: GuardOptions;
  readonly clock: Pick<Clock, "now">;
  readonly attemptMs?: number;
}

/** Sends to a gateway of one's own, signed by Standard Webhooks. */
export function openWebhook({
  url,
  secrets,
  guard,
  clock,
  attemptMs = ATTEMPT_MS,
}: WebhookOptions): Provider {
  const agent = guardedAgent(guard);
  return {
    kind: "webhook",
    async send(target, push, signal) {
      if (target.kind !== "webhook") return refused("the target is not one of a webhook");
      try {
        const at = clock.now();
        const body = webhookBody(target.token, push, at);
        const traced = push.trace === undefined ? {} : { traceparent: push.trace };
        const headers = { ...webhookHeaders(push.id, body, secrets, at), ...traced };
        const answer = await within(attemptMs, signal, async (signal) =>
          post(agent, { url, headers, body }, signal),
        );
        return webhookOutcome(answer.status, retryAfterMs(answer.retryAfter, clock.now()));
      } catch (error) {
        // The URL is the cluster's own setting: no push is lost before somebody has corrected it.
        return error instanceof AddressRefused ? down(error.message) : outcomeOfError(error);
      }
    },
    close() {
      void agent.destroy();
    },
  };
}
