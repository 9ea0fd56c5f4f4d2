import type { EnvReader } from "@jichat/runtime/env-reader.ts";

export const TOKEN_ALGORITHMS = ["EdDSA", "ES256", "ES384", "RS256", "PS256"] as const;
export type TokenAlgorithm = (typeof TOKEN_ALGORITHMS)[number];

/**
 * The tokens that are accepted: one algorithm, one issuer, one audience, and the keys of a JWKS file or URL.
 */
export interface TokenConfig {
  readonly keys: string;
  readonly algorithm: TokenAlgorithm;
  readonly issuer: string;
  readonly audience: string;
}

export function readTokenConfig(reader: EnvReader): TokenConfig {
  return {
    keys: reader.text("TOKEN_KEYS"),
    algorithm: reader.oneOf("TOKEN_ALGORITHM", TOKEN_ALGORITHMS, "EdDSA"),
    issuer: reader.text("TOKEN_ISSUER", { default: "jichat" }),
    audience: reader.text("TOKEN_AUDIENCE", { default: "jichat" }),
  };
}
