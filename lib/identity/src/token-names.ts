import { hash } from "node:crypto";

export interface TokenNames {
  readonly tokenId: string;
  readonly olderIds?: readonly string[];
}

/** n of the curves: with (r, s) a signature, (r, n - s) is one as well, and needs no key to be made. */
const CURVE_ORDERS: Readonly<Record<string, bigint>> = {
  ES256: 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n,
  ES384: 0xffffffffffffffffffffffffffffffffffffffffffffffffc7634d81f4372ddf581a0db248b0a77aecec196accc52973n,
};

const nameOf = (text: string): string => hash("sha256", text, "base64url").slice(0, 26);

/**
 * A token names itself by its `jti`. One without is named by what is signed, and not by its signature, which
 * can be written in another way. An older version took the whole text, so that is known as well.
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

/** Base64url without padding, whose last letter has no bit set that belongs to no byte (RFC 4648, 3.5). */
const CANONICAL = /^(?:[\w-]{4})*(?:[\w-]{4}|[\w-]{2}[AEIMQUYcgkosw048]|[\w-][AQgw])$/;

/** Three parts, each in the only way in which base64url writes its bytes: no padding, no spare bits set. */
export function isCanonical(token: string): boolean {
  const parts = token.split(".", 4);
  return parts.length === 3 && parts.every((part) => CANONICAL.test(part));
}
