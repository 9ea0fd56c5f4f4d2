import type { JWTVerifyGetKey } from "jose";
import { errors } from "jose";
import type { Clock } from "@jichat/protocol/clock.ts";
import { systemClock } from "@jichat/protocol/clock.ts";
import { ChatError } from "@jichat/protocol/errors.ts";
import { readClaims } from "./claims.ts";
import type { Revocable } from "./revocations.ts";
import { SignatureCheck } from "./signature-check.ts";
import type { TokenConfig } from "./token-config.ts";
import { isCanonical, namesOfToken } from "./token-names.ts";

/** The user of a token or ticket, and its validity. Times are milliseconds since 1970. */
export interface Identity {
  readonly user: string;
  readonly expiresAt: number;
  readonly issuedAt: number;
  /** The token's name in the list of revoked tokens. A ticket carries the name of its token. */
  readonly tokenId: string;
  /**
   * The revision of the user's credential. A change of the password invalidates tokens of earlier revisions.
   */
  readonly revision?: number;
  /** Names by which an older version knows the token. */
  readonly olderIds?: readonly string[];
}

/** The part of the revocation list that is needed here. */
export interface RefusesRevoked {
  /** Throws UNAUTHENTICATED for a revoked identity, UNAVAILABLE while the list is not known. */
  refuse(identity: Revocable): void;
}

/** Checks tokens. The algorithm is pinned, so neither `none` nor a public key used as a secret can pass. */
export class Tokens {
  readonly #config: TokenConfig;
  readonly #signatures: SignatureCheck;
  readonly #revocations: RefusesRevoked;
  readonly #clock: Clock;

  constructor(
    config: TokenConfig,
    keys: JWTVerifyGetKey,
    revocations: RefusesRevoked,
    clock: Clock = systemClock,
  ) {
    this.#config = config;
    this.#signatures = new SignatureCheck(config.algorithm, keys);
    this.#revocations = revocations;
    this.#clock = clock;
  }

  /**
   * Returns the token's identity. Throws UNAUTHENTICATED, TOKEN_EXPIRED, or UNAVAILABLE if the keys or the
   * revocation list are not known.
   */
  async verify(token: string): Promise<Identity> {
    const bytes = await this.#check(token);
    const { jti, ...claims } = readClaims(bytes, this.#config, this.#clock.now());
    const identity: Identity = { ...claims, ...namesOfToken(jti, token, this.#config.algorithm) };
    this.#revocations.refuse(identity);
    return identity;
  }

  /** Returns the bytes of the claims after the signature was verified. */
  async #check(token: string): Promise<Uint8Array> {
    if (!isCanonical(token))
      throw new ChatError("UNAUTHENTICATED", "the token is not valid: it is not three parts of base64url");
    try {
      return await this.#signatures.payloadOf(token);
    } catch (cause) {
      if (cause instanceof ChatError) throw cause;
      if (cause instanceof errors.JOSEError)
        throw new ChatError("UNAUTHENTICATED", "the token is not valid", { cause });
      throw new ChatError("UNAVAILABLE", "the keys that check tokens cannot be used", {
        cause,
        retryAfterMs: 1_000,
      });
    }
  }
}
