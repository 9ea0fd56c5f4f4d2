import type { EnvReader } from "@jichat/runtime/env-reader.ts";

/**
 * The tokens that are accepted: one algorithm, one issuer, one audience, and the keys of a JWKS file or URL.
 */
export interface TokenConfig {
  readonly keys: string;
  readonly algorithm: string;
  readonly issuer: string;
  readonly audience: string;
}

const ALGORITHMS = ["EdDSA", "ES256", "ES384", "RS256", "PS256"] as const;

export function readTokenConfig(reader: EnvReader): TokenConfig {
  return {
    keys: reader.text("TOKEN_KEYS"),
    algorithm: reader.oneOf("TOKEN_ALGORITHM", ALGORITHMS, "EdDSA"),
    issuer: reader.text("TOKEN_ISSUER", { default: "jichat" }),
    audience: reader.text("TOKEN_AUDIENCE", { default: "jichat" }),
  };
}
