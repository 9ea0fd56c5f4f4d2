import { randomBytes } from "node:crypto";
import type { FastifyInstance, FastifyRequest } from "fastify";
import type { Identity } from "@jichat/identity/tokens.ts";
import type { TokenBuckets } from "@jichat/runtime/token-bucket.ts";
import { systemClock } from "@jichat/protocol/clock.ts";
import { ChatError } from "@jichat/protocol/errors.ts";
import { traceparentOf } from "@jichat/runtime/telemetry.ts";
import type { Trace } from "@jichat/runtime/telemetry.ts";
import type { AccountProvisioner } from "@jichat/identity/accounts.ts";
import type { Tokens } from "@jichat/identity/tokens.ts";
import type { UserIndex } from "./user-index.ts";

declare module "fastify" {
  interface FastifyRequest {
    /** Set on every request. */
    jichatTrace: Trace | undefined;
    /** Set on routes behind `requireToken`. */
    identity: Identity | undefined;
    /** The user whose password the request tries. */
    tries: string | undefined;
  }
}

/** The caller's identity. Throws UNAUTHENTICATED on a request without a token. */
export const identityOf = ({ identity }: FastifyRequest): Identity => {
  if (identity === undefined)
    throw new ChatError("UNAUTHENTICATED", "`Authorization: Bearer <token>` is needed");
  return identity;
};

/** Charges one unit to a bucket. Throws RATE_LIMITED if it is empty. */
export function spend(buckets: TokenBuckets, key: string, what: string): void {
  const waitMs = buckets.spend(key, 1, systemClock.monotonic());
  if (waitMs > 0) throw new ChatError("RATE_LIMITED", `too many ${what}`, { retryAfterMs: waitMs });
}

export interface TokenCheckParts {
  readonly tokens: Pick<Tokens, "verify">;
  /** By user. */
  readonly requestBuckets: TokenBuckets;
  readonly firstSight: Pick<AccountProvisioner, "of">;
  readonly index: Pick<UserIndex, "add">;
}

/** Routes that are registered on `app` after this call require a token. */
export function requireToken(app: FastifyInstance, parts: TokenCheckParts): void {
  app.addHook("onRequest", async (request) => {
    const [scheme, token, ...more] = (request.headers.authorization ?? "").split(" ");
    if (scheme?.toLowerCase() !== "bearer" || token === undefined || token === "" || more.length > 0)
      identityOf(request);
    const identity = await parts.tokens.verify(token ?? "");
    spend(parts.requestBuckets, identity.user, "requests");
    if (await parts.firstSight.of(identity.user)) await parts.index.add(identity.user);
    request.identity = identity;
  });
}

/** The origin of a command. Each request is its own session, so it never waits for an earlier one. */
export const sourceOf = (request: FastifyRequest, conversation: string) => ({
  conversation,
  user: identityOf(request).user,
  device: "api",
  session: `api-${randomBytes(9).toString("base64url")}`,
  trace: traceparentOf(request.jichatTrace?.span),
});
