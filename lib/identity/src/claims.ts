import { ChatError } from "@jichat/protocol/errors.ts";
import { parseJson } from "@jichat/protocol/frame/parse-json.ts";
import { isId } from "@jichat/protocol/id-forms.ts";
import { CLOCK_LEEWAY_MS } from "@jichat/protocol/limits.ts";
import { REVOCATION_TTL_MS } from "@jichat/protocol/log/streams.ts";

/** A token's claims, with types and ranges checked. Times are milliseconds since 1970. */
export interface Claims {
  readonly user: string;
  readonly expiresAt: number;
  readonly issuedAt: number;
  readonly jti: string | undefined;
  /**
   * The revision of the credential that the token was issued for. Absent from tokens of other issuers and of
   * older versions.
   */
  readonly revision?: number;
}

/** Our own claim name: in another system's token `rev` may mean anything. */
export const REVISION_CLAIM = "jichat_rev";

const JTI_LENGTH_MAX = 256;
/** The end of the year 9999, the last that ISO 8601 writes with four digits. A later time is invalid. */
const SECONDS_MAX = 253_402_300_799;

const DAYS = REVOCATION_TTL_MS / 86_400_000;
const refused = (why: string): ChatError => new ChatError("UNAUTHENTICATED", `the token's ${why}`);
const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** True if a token or ticket has expired, with a leeway for clock differences. */
export const isOver = (expiresAt: number, now: number): boolean => now >= expiresAt + CLOCK_LEEWAY_MS;

/**
 * The only decoder from a token's claims to our types. Nothing is coerced. Throws UNAUTHENTICATED with the
 * claim's name, or TOKEN_EXPIRED. `now` is in milliseconds since 1970.
 */
export function readClaims(
  bytes: Uint8Array,
  wanted: { readonly issuer: string; readonly audience: string },
  now: number,
): Claims {
  const claims = objectOf(bytes);
  const sub = claims.get("sub");
  if (typeof sub !== "string" || !isId(sub)) throw refused("`sub` is not a user id of [A-Za-z0-9_-]{1,64}");
  const jti = claims.get("jti");
  if (jti !== undefined && !(typeof jti === "string" && jti.length > 0 && jti.length <= JTI_LENGTH_MAX))
    throw refused(`\`jti\` is not text of 1 to ${JTI_LENGTH_MAX} characters`);
  const revision = claims.get(REVISION_CLAIM);
  if (revision !== undefined && !isWhole(revision)) throw refused(`\`${REVISION_CLAIM}\` is not a revision`);
  const expiresAt = timeOf(claims, "exp");
  const issuedAt = timeOf(claims, "iat");
  const notBefore = timeOf(claims, "nbf");
  if (claims.get("iss") !== wanted.issuer) throw refused("`iss` is not the issuer that this cluster accepts");
  if (!isFor(claims.get("aud"), wanted.audience))
    throw refused("`aud` does not name the audience of this cluster");
  if (expiresAt === undefined) throw refused("`exp` is missing");
  // A revocation is kept for this time, so a longer-lived token would become valid again.
  if (expiresAt > now + REVOCATION_TTL_MS + CLOCK_LEEWAY_MS)
    throw refused(`\`exp\` is more than ${DAYS} days ahead`);
  // A token with a future `iat` would escape a revocation of everything issued before now.
  for (const [name, time] of [["iat", issuedAt] as const, ["nbf", notBefore] as const])
    if (time !== undefined && time > now + CLOCK_LEEWAY_MS) throw refused(`\`${name}\` is in the future`);
  if (isOver(expiresAt, now)) throw new ChatError("TOKEN_EXPIRED", "the token has expired: sign in again");
  const own = revision === undefined ? {} : { revision };
  return { user: sub, expiresAt, issuedAt: issuedAt ?? 0, jti, ...own };
}

export const isWhole = (value: unknown): value is number =>
  typeof value === "number" && Number.isSafeInteger(value) && value >= 0;

/** Own properties only: a claim inherited from a prototype does not count. */
type ClaimsByName = ReadonlyMap<string, unknown>;

function objectOf(bytes: Uint8Array): ClaimsByName {
  let value: unknown;
  try {
    value = parseJson(utf8.decode(bytes));
  } catch (cause) {
    throw new ChatError("UNAUTHENTICATED", "the token's claims are not JSON", { cause });
  }
  if (typeof value !== "object" || value === null || Array.isArray(value))
    throw refused("claims are not an object");
  return new Map(Object.entries(value));
}

/** Seconds, whole or with a fraction (RFC 7519, NumericDate). */
function timeOf(claims: ClaimsByName, name: string): number | undefined {
  const value = claims.get(name);
  if (value === undefined) return undefined;
  if (typeof value !== "number" || !(value >= 0 && value <= SECONDS_MAX))
    throw refused(`\`${name}\` is not a number of seconds since 1970`);
  return Math.round(value * 1_000);
}

function isFor(audience: unknown, wanted: string): boolean {
  if (!Array.isArray(audience)) return audience === wanted;
  const names: readonly unknown[] = audience;
  return names.every((name) => typeof name === "string") && names.includes(wanted);
}
