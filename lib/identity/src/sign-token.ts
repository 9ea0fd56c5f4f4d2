import type { JWK, JWTPayload } from "jose";
import { SignJWT, importJWK } from "jose";

export type SignToken = (claims: JWTPayload) => Promise<string>;

/**
 * Returns a signer for the private key given as JWK text. It uses the accepted algorithm and sets the key's
 * `kid`. Throws if the key cannot sign: not a key, a public key, or one for another algorithm.
 */
export async function openSigner(signingKey: string, algorithm: string): Promise<SignToken> {
  const jwk = JSON.parse(signingKey) as JWK;
  const key = await importJWK(jwk, algorithm);
  const header = { alg: algorithm, typ: "JWT", ...(jwk.kid === undefined ? {} : { kid: jwk.kid }) };
  await new SignJWT().setProtectedHeader(header).sign(key);
  return async (claims) => new SignJWT(claims).setProtectedHeader(header).sign(key);
}
