import type { CryptoKey, JSONWebKeySet, JWTVerifyGetKey } from "jose";
import { CompactSign, createLocalJWKSet, exportJWK, generateKeyPair } from "jose";
import type { Clock } from "@jichat/protocol/clock.ts";
import type { Revocable } from "./revocations.ts";
import type { TokenAlgorithm } from "./token-config.ts";
import { Tokens } from "./tokens.ts";

/** For tests: an issuer that signs any text, and a checker with the matching keys. */
export class HandMadeTokens {
  readonly algorithm: TokenAlgorithm;
  readonly set: JSONWebKeySet;
  readonly keys: JWTVerifyGetKey;
  readonly #key: CryptoKey;

  private constructor(algorithm: TokenAlgorithm, key: CryptoKey, set: JSONWebKeySet) {
    this.algorithm = algorithm;
    this.#key = key;
    this.set = set;
    this.keys = createLocalJWKSet(set);
  }

  static async of(algorithm: TokenAlgorithm): Promise<HandMadeTokens> {
    const { publicKey, privateKey } = await generateKeyPair(algorithm, { extractable: true });
    const jwk = { ...(await exportJWK(publicKey)), kid: "one" };
    return new HandMadeTokens(algorithm, privateKey, { keys: [jwk] });
  }

  /** Signs the text as claims, without checking it. */
  sign(claims: string, kid = "one", more: Readonly<Record<string, unknown>> = {}): Promise<string> {
    return new CompactSign(new TextEncoder().encode(claims))
      .setProtectedHeader({ alg: this.algorithm, kid, ...more })
      .sign(this.#key);
  }

  door(clock: Clock, refuse: (identity: Revocable) => void = () => undefined): Tokens {
    const { algorithm, keys } = this;
    const config = { keys: "", algorithm, issuer: "jichat", audience: "jichat" };
    return new Tokens(config, keys, { refuse }, clock);
  }
}

export const NOW = 1_800_000_000_000;

/** Valid claims at NOW. `changed` replaces claims; a value of undefined removes one. */
export const claimsOf = (changed: Readonly<Record<string, unknown>> = {}): Record<string, unknown> => ({
  sub: "ann",
  iss: "jichat",
  aud: "jichat",
  iat: NOW / 1_000,
  exp: NOW / 1_000 + 3_600,
  jti: "j1",
  ...changed,
});
