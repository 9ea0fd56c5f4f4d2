import { hash } from "node:crypto";

export interface TokenNames {
  readonly tokenId: string;
  readonly olderIds?: readonly string[];
}

/**
 * The order n of each curve. If (r, s) is a signature, (r, n - s) is also valid and can be made without the
 * key.
 */
const CURVE_ORDERS: Readonly<Record<string, bigint>> = {
  ES256: 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n,
  ES384: 0xffffffffffffffffffffffffffffffffffffffffffffffffc7634d81f4372ddf581a0db248b0a77aecec196accc52973n,
};

const nameOf = (text: string): string => hash("sha256", text, "base64url").slice(0, 26);

/**
 * A token's name comes from its `jti`. Without `jti` it comes from the signed part, not from the signature,
 * which has more than one valid form. An older version hashed the whole token, so those names are returned
 * too.
 */
export function namesOfToken(jti: string | undefined, token: string, algorithm: string): TokenNames {
  if (jti !== undefined) return { tokenId: nameOf(jti) };
  const end = token.lastIndexOf(".");
  const twin = twinOf(token.slice(end + 1), algorithm);
  const spellings = twin === undefined ? [token] : [token, `${token.slice(0, end + 1)}${twin}`];
  return { tokenId: nameOf(token.slice(0, end)), olderIds: spellings.map(nameOf) };
}

function twinOf(signature: string, algorithm: string): string | undefined {
  const order = CURVE_ORDERS[algorithm];
  if (order === undefined) return undefined;
  const bytes = Buffer.from(signature, "base64url");
  const half = bytes.length / 2;
  const s = order - BigInt(`0x${bytes.toString("hex", half)}`);
  const other = Buffer.from(s.toString(16).padStart(2 * half, "0"), "hex");
  return Buffer.concat([bytes.subarray(0, half), other]).toString("base64url");
}

/** Base64url without padding. The unused bits of the last character are zero (RFC 4648, 3.5). */
const CANONICAL = /^(?:[\w-]{4})*(?:[\w-]{4}|[\w-]{2}[AEIMQUYcgkosw048]|[\w-][AQgw])$/;

/** True for three parts in canonical base64url: no padding, no unused bits set. */
export function isCanonical(token: string): boolean {
  const parts = token.split(".", 4);
  return parts.length === 3 && parts.every((part) => CANONICAL.test(part));
}
