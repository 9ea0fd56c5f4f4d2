import type { JsonWebKey } from "node:crypto";
import { createPrivateKey, sign } from "node:crypto";
import { readFileSync } from "node:fs";

const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString("base64url");

export interface Claims {
  readonly sub: string;
  readonly iss?: string;
  readonly aud?: string;
  readonly exp?: number;
  readonly iat?: number;
  readonly jti?: string;
}

/**
 * A token like those of the api, so that not every one of many users has to sign up. `claims` override the
 * usual ones.
 */
export function mint(signingKeyFile: string, claims: Claims): string {
  const jwk = JSON.parse(readFileSync(signingKeyFile, "utf8")) as JsonWebKey & { kid: string };
  const now = Date.now() / 1_000;
  const text = `${part({ alg: "EdDSA", typ: "JWT", kid: jwk.kid })}.${part({ iss: "jichat", aud: "jichat", iat: now, exp: now + 3_600, ...claims })}`;
  return `${text}.${sign(null, Buffer.from(text), createPrivateKey({ key: jwk, format: "jwk" })).toString("base64url")}`;
}
