import type { Clock } from "@jichat/protocol/clock.ts";
import type { Outcome, Provider, Push } from "../provider.ts";
import { apnsOutcome, reasonIn } from "./apns-answers.ts";
import type { Trust } from "./apns-connection.ts";
import { ApnsConnection, NotTaken } from "./apns-connection.ts";
import { apnsHeaders, apnsPayload } from "./apns-request.ts";
import type { ApnsKey } from "./apns-token.ts";
import { ApnsToken } from "./apns-token.ts";
import { ATTEMPT_MS, outcomeOfError, within } from "./attempt.ts";
import { gone, later, refused } from "./outcomes.ts";
import { retryAfterMs } from "./retry-after.ts";
import { NoSlot } from "../slots.ts";

export interface ApnsOptions {
  readonly key: ApnsKey;
  /** The app's bundle id. */
  readonly topic: string;
  /** Apple's, or one of a test. With `http:` it is HTTP/2 without TLS. */
  readonly endpoint: URL;
  readonly clock: Pick<Clock, "now" | "monotonic">;
  readonly attemptMs?: number;
  /** For tests. */
  readonly trust?: Trust;
}

/** What goes into a path. Apple says that tokens may grow. */
const DEVICE_TOKEN = /^[0-9a-fA-F]{2,512}$/;

/** Sends to apps on devices of Apple by APNs, with a token of one's own key. */
export function openApns({
  key,
  topic,
  endpoint,
  clock,
  attemptMs = ATTEMPT_MS,
  trust = {},
}: ApnsOptions): Provider {
  const connection = new ApnsConnection(endpoint.origin, trust, attemptMs / 2);
  const tokens = new ApnsToken(key, clock);

  async function attempt(token: string, push: Push, signal: AbortSignal): Promise<Outcome> {
    if (!DEVICE_TOKEN.test(token)) return gone("the token is not one of APNs");
    const body = apnsPayload(push);
    if (body === undefined) return refused("the payload is too large without its text");
    const headers = {
      ...apnsHeaders(push, topic, clock.now()),
      authorization: `bearer ${await tokens.get()}`,
      "content-type": "application/json",
    };
    const answer = await connection.post({ path: `/3/device/${token}`, headers, body }, signal);
    if (reasonIn(answer.text) === "ExpiredProviderToken") tokens.expire();
    return apnsOutcome({ ...answer, afterMs: retryAfterMs(answer.retryAfter, clock.now()) });
  }

  return {
    kind: "apns",
    async send(target, push, signal) {
      if (target.kind !== "apns") return refused("the target is not one of APNs");
      try {
        return await within(attemptMs, signal, async (signal) => attempt(target.token, push, signal));
      } catch (error) {
        if (error instanceof NotTaken || error instanceof NoSlot) return later(error.message);
        return outcomeOfError(error);
      }
    },
    close() {
      connection.close();
    },
  };
}
