import webPush from "web-push";
import type { Clock } from "@jichat/protocol/clock.ts";
import type { PushTarget } from "@jichat/protocol/bus/push-registration.ts";
import type { Outcome, Provider, Push } from "../provider.ts";
import { ATTEMPT_MS, outcomeOfError, within } from "./attempt.ts";
import type { GuardOptions } from "./guarded-agent.ts";
import { guardedAgent } from "./guarded-agent.ts";
import { gone, refused } from "./outcomes.ts";
import { post } from "./post.ts";
import { retryAfterMs } from "./retry-after.ts";
import type { Vapid } from "./vapid-headers.ts";
import { VapidHeaders } from "./vapid-headers.ts";
import { webPushOutcome } from "./web-push-answers.ts";
import { webPushPayload } from "./web-push-payload.ts";

export interface WebPushOptions {
  readonly vapid: Vapid;
  readonly guard: GuardOptions;
  readonly clock: Pick<Clock, "now" | "monotonic">;
  readonly attemptMs?: number;
}

type WebPushTarget = Extract<PushTarget, { readonly kind: "webpush" }>;

/** A withdrawal waits as long for a browser as the notification that it takes the place of. */
const WITHDRAWAL_TTL_S = 86_400;

/** The HTTPS endpoint of a subscription; `undefined` if it is none. */
function endpointOf({ endpoint }: WebPushTarget): URL | undefined {
  const url = URL.parse(endpoint);
  if (url === null || !/^https?:$/.test(url.protocol)) return undefined;
  return url.username === "" && url.password === "" ? url : undefined;
}

/** The encrypted body (RFC 8291); `undefined` if the keys of the subscription are none. */
function encrypted({ p256dh, auth }: WebPushTarget, payload: string): Buffer | undefined {
  try {
    return webPush.encrypt(p256dh, auth, payload, "aes128gcm").cipherText;
  } catch {
    return undefined; // All that it checks is the two keys: their length, and that the point is on the curve.
  }
}

function headersOf(push: Push): Readonly<Record<string, string>> {
  const { collapseKey } = push;
  if (push.is === "withdrawal") return { ttl: String(WITHDRAWAL_TTL_S), urgency: "low", topic: collapseKey };
  const ttl = String(Math.max(0, Math.floor(push.ttlMs / 1_000)));
  return { ttl, urgency: push.isUrgent ? "high" : "normal", topic: collapseKey };
}

/** Sends to browsers by the push service that each of them chose (RFC 8030). */
export function openWebPush({ vapid, guard, clock, attemptMs = ATTEMPT_MS }: WebPushOptions): Provider {
  const agent = guardedAgent(guard);
  const vapidHeaders = new VapidHeaders(vapid, clock);

  async function attempt(target: WebPushTarget, push: Push, signal: AbortSignal): Promise<Outcome> {
    const url = endpointOf(target);
    if (url === undefined) return gone("the endpoint is not a URL of a push service");
    const payload = webPushPayload(push);
    if (payload === undefined) return refused("the payload is too large without its text");
    const body = encrypted(target, payload);
    if (body === undefined) return gone("the keys of the subscription are not usable");
    const { origin } = url;
    const headers = {
      ...headersOf(push),
      authorization: vapidHeaders.of(origin),
      "content-encoding": "aes128gcm",
      "content-type": "application/octet-stream",
    };
    const { status, retryAfter } = await post(agent, { url, headers, body }, signal);
    const afterMs = retryAfterMs(retryAfter, clock.now());
    const outcome = webPushOutcome({ status, afterMs, knowsKey: vapidHeaders.isKnownTo(origin) });
    if (outcome.is === "sent") vapidHeaders.noteTaken(origin);
    return outcome;
  }

  return {
    kind: "webpush",
    circuitOf: (target) => (target.kind === "webpush" ? (URL.parse(target.endpoint)?.origin ?? "") : ""),
    async send(target, push, signal) {
      if (target.kind !== "webpush") return refused("the target is not one of Web Push");
      try {
        return await within(attemptMs, signal, async (signal) => attempt(target, push, signal));
      } catch (error) {
        return outcomeOfError(error);
      }
    },
    close() {
      void agent.destroy();
    },
  };
}
