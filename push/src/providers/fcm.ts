import { Agent } from "undici";
import type { Clock } from "@jichat/protocol/clock.ts";
import type { Outcome, Provider, Push } from "../provider.ts";
import { ATTEMPT_MS, outcomeOfError, within } from "./attempt.ts";
import { fcmOutcome } from "./fcm-answers.ts";
import { fcmMessage } from "./fcm-message.ts";
import type { ServiceAccount } from "./google-token.ts";
import { ExchangeRefused, GoogleToken } from "./google-token.ts";
import { down, refused, unauthorized } from "./outcomes.ts";
import { post } from "./post.ts";
import { retryAfterMs } from "./retry-after.ts";

export interface FcmOptions {
  readonly account: ServiceAccount;
  /** Google's, or one of a test. */
  readonly endpoint: URL;
  readonly clock: Pick<Clock, "now" | "monotonic">;
  readonly attemptMs?: number;
}

const CONNECTIONS_MAX = 256;
const CONNECT_MS = 5_000;

/** Sends to apps by Firebase Cloud Messaging, HTTP v1. */
export function openFcm({ account, endpoint, clock, attemptMs = ATTEMPT_MS }: FcmOptions): Provider {
  const agent = new Agent({
    connections: CONNECTIONS_MAX,
    allowH2: false,
    connect: { timeout: CONNECT_MS, allowH2: false },
  });
  const tokens = new GoogleToken(account, agent, clock);
  const url = new URL(`/v1/projects/${encodeURIComponent(account.projectId)}/messages:send`, endpoint);

  async function attempt(token: string, push: Push, signal: AbortSignal): Promise<Outcome> {
    const body = fcmMessage(token, push);
    if (body === undefined) return refused("the message is too large without its text");
    const access = await tokens.get(signal);
    const headers = { authorization: `Bearer ${access}`, "content-type": "application/json" };
    const { status, text, retryAfter } = await post(agent, { url, headers, body }, signal);
    if (status === 401) tokens.drop(access);
    return fcmOutcome({ status, text, afterMs: retryAfterMs(retryAfter, clock.now()) });
  }

  return {
    kind: "fcm",
    async send(target, push, signal) {
      if (target.kind !== "fcm") return refused("the target is not one of FCM");
      try {
        return await within(attemptMs, signal, async (signal) => attempt(target.token, push, signal));
      } catch (error) {
        if (error instanceof ExchangeRefused)
          return error.isUnauthorized ? unauthorized(error.message) : down(error.message);
        return outcomeOfError(error);
      }
    },
    close() {
      tokens.close();
      void agent.destroy();
    },
  };
}
