import type { JWK, JWTPayload } from "jose";
import { SignJWT, importJWK } from "jose";

export type SignToken = (claims: JWTPayload) => Promise<string>;

/**
 * Signs tokens with a private key as JWK text, by the algorithm that is accepted; its `kid` goes along. Throws
 * what cannot sign: a key that is none, a public one, one of another algorithm.
 */
export async function openSigner(signingKey: string, algorithm: string): Promise<SignToken> {
  const jwk = JSON.parse(signingKey) as JWK;
  const key = await importJWK(jwk, algorithm);
  const header = { alg: algorithm, typ: "JWT", ...(jwk.kid === undefined ? {} : { kid: jwk.kid }) };
  await new SignJWT().setProtectedHeader(header).sign(key);
  return async (claims) => new SignJWT(claims).setProtectedHeader(header).sign(key);
}
