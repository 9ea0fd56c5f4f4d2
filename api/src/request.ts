import { randomBytes } from "node:crypto";
import type { FastifyInstance, FastifyRequest } from "fastify";
import type { Identity } from "@jichat/identity/tokens.ts";
import type { TokenBuckets } from "@jichat/runtime/token-bucket.ts";
import { systemClock } from "@jichat/protocol/clock.ts";
import { ChatError } from "@jichat/protocol/errors.ts";
import { traceparentOf } from "@jichat/runtime/telemetry.ts";
import type { Trace } from "@jichat/runtime/telemetry.ts";
import type { World } from "./world.ts";

declare module "fastify" {
  interface FastifyRequest {
    /** Set on every request. */
    jichatTrace: Trace | undefined;
    /** Set behind `authenticated`. */
    identity: Identity | undefined;
    /** Whose password a request tries. */
    tries: string | undefined;
  }
}

export const identityOf = ({ identity }: FastifyRequest): Identity => {
  if (identity === undefined)
    throw new ChatError("UNAUTHENTICATED", "`Authorization: Bearer <token>` is needed");
  return identity;
};

/** Takes from a bucket, or throws RATE_LIMITED. */
export function spend(buckets: TokenBuckets, key: string, what: string): void {
  const waitMs = buckets.spend(key, 1, systemClock.monotonic());
  if (waitMs > 0) throw new ChatError("RATE_LIMITED", `too many ${what}`, { retryAfterMs: waitMs });
}

/** Routes registered behind this need a token. */
export function requireToken(app: FastifyInstance, world: World): void {
  app.addHook("onRequest", async (request) => {
    const [scheme, token, ...more] = (request.headers.authorization ?? "").split(" ");
    if (scheme?.toLowerCase() !== "bearer" || token === undefined || token === "" || more.length > 0)
      identityOf(request);
    const identity = await world.tokens.verify(token ?? "");
    spend(world.requestBuckets, identity.user, "requests");
    if (await world.firstSight.of(identity.user)) await world.index.add(identity.user);
    request.identity = identity;
  });
}

/** A request is its own session: nothing of it waits for an earlier one. */
export const sourceOf = (request: FastifyRequest, conversation: string) => ({
  conversation,
  user: identityOf(request).user,
  device: "api",
  session: `api-${randomBytes(9).toString("base64url")}`,
  trace: traceparentOf(request.jichatTrace?.span),
});
