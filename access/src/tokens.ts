import { hash } from "node:crypto";
import { readFileSync } from "node:fs";
import type { JSONWebKeySet, JWTPayload, JWTVerifyGetKey } from "jose";
import { createLocalJWKSet, createRemoteJWKSet, errors, jwtVerify } from "jose";
import { ChatError } from "@jichat/protocol/errors.ts";
import { isId } from "@jichat/protocol/ids.ts";
import type { Revocations } from "./revocations.ts";
import type { TokenConfig } from "./token-config.ts";

/** Who a token or ticket speaks for, and until when. Times are milliseconds since 1970. */
export interface Identity {
  readonly user: string;
  readonly expiresAt: number;
  readonly issuedAt: number;
  /** Names the token in the list of revoked ones; a ticket carries its token's. */
  readonly tokenId: string;
}

/** Public keys from a JWKS URL, fetched when needed and cached, or from a file that is read once. */
export function loadKeys(source: string): JWTVerifyGetKey {
  if (/^https?:\/\//.test(source))
    return createRemoteJWKSet(new URL(source), { timeoutDuration: 3_000, cooldownDuration: 10_000 });
  try {
    return createLocalJWKSet(JSON.parse(readFileSync(source, "utf8")) as JSONWebKeySet);
  } catch (cause) {
    throw new Error(`TOKEN_KEYS: ${source} is not a readable JWKS file`, { cause });
  }
}

const idOfToken = (jti: string | undefined, token: string): string =>
  hash("sha256", jti ?? token, "base64url").slice(0, 26);

/** Checks tokens: the algorithm is pinned, so neither `none` nor a public key used as a secret can pass. */
export class Tokens {
  readonly #config: TokenConfig;
  readonly #keys: JWTVerifyGetKey;
  readonly #revocations: Revocations;

  constructor(config: TokenConfig, keys: JWTVerifyGetKey, revocations: Revocations) {
    this.#config = config;
    this.#keys = keys;
    this.#revocations = revocations;
  }

  /**
   * The token's identity; UNAUTHENTICATED, TOKEN_EXPIRED, or UNAVAILABLE while the keys' URL does not
   * answer.
   */
  async verify(token: string): Promise<Identity> {
    const payload = await this.#check(token);
    const { sub, exp, iat, jti } = payload;
    if (sub === undefined || !isId(sub))
      throw new ChatError("UNAUTHENTICATED", "the token's `sub` is not a user id of [A-Za-z0-9_-]{1,64}");
    const identity: Identity = {
      user: sub,
      expiresAt: Math.floor((exp ?? 0) * 1_000),
      issuedAt: Math.floor((iat ?? 0) * 1_000),
      tokenId: idOfToken(jti, token),
    };
    this.#revocations.refuse(identity);
    return identity;
  }

  async #check(token: string): Promise<JWTPayload> {
    const { algorithm, issuer, audience } = this.#config;
    try {
      const { payload } = await jwtVerify(token, this.#keys, {
        algorithms: [algorithm],
        issuer,
        audience,
        requiredClaims: ["sub", "exp"],
        clockTolerance: 5,
      });
      return payload;
    } catch (cause) {
      if (cause instanceof errors.JWTExpired)
        throw new ChatError("TOKEN_EXPIRED", "the token has expired: sign in again", { cause });
      if (cause instanceof errors.JWKSTimeout || !(cause instanceof errors.JOSEError)) {
        throw new ChatError("UNAVAILABLE", "the keys that check tokens are not reachable", {
          cause,
          retryAfterMs: 1_000,
        });
      }
      throw new ChatError("UNAUTHENTICATED", "no valid token", { cause });
    }
  }
}
