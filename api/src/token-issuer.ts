import { randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import type { JWK } from "jose";
import { SignJWT, importJWK } from "jose";
import { ChatError } from "@jichat/protocol/errors.ts";
import type { Config } from "./config.ts";

export interface IssuedToken {
  readonly token: string;
  readonly expiresAt: number;
}
export type IssueToken = (user: string) => Promise<IssuedToken>;

/**
 * Signs tokens with our own key. Where another system's accounts are used there is none, and sign-in is
 * theirs.
 */
export async function openTokenIssuer(config: Config): Promise<IssueToken> {
  const {
    signingKeyFile,
    tokenLifeMs,
    tokens: { algorithm, issuer, audience },
  } = config;
  if (signingKeyFile === undefined) {
    return async () => {
      throw new ChatError("NOT_FOUND", "accounts of another system are used here: sign in there");
    };
  }
  const jwk = JSON.parse(readFileSync(signingKeyFile, "utf8")) as JWK;
  const key = await importJWK(jwk, algorithm);
  return async (user) => {
    const now = Date.now();
    const expiresAt = now + tokenLifeMs;
    // Fractions of a second (RFC 7519, NumericDate): a token issued just behind "void what is older than
    // now" stays valid.
    const token = await new SignJWT({
      sub: user,
      iss: issuer,
      aud: audience,
      iat: now / 1_000,
      exp: expiresAt / 1_000,
      jti: randomBytes(16).toString("base64url"),
    })
      .setProtectedHeader({ alg: algorithm, typ: "JWT", ...(jwk.kid === undefined ? {} : { kid: jwk.kid }) })
      .sign(key);
    return { token, expiresAt };
  };
}
