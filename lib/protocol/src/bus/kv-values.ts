/** Values of KV buckets that are plain text instead of JSON. */

/** Bucket of watermarks: the position up to which ClickHouse holds a partition. */
export const watermarkText = (position: number): string => String(position);
export const readWatermark = (text: string): number => Number(text);

/**
 * Bucket of owners: state and newest known level of a router or a storage. (The bucket of leases holds the id
 * of a partition's owner.) A build of level 0 takes every text except `draining` for serving, and writes no
 * level.
 */
export const ownerText = (known: number, draining: boolean): string =>
  draining ? "draining" : `serving ${known}`;

export const isDraining = (entry: string): boolean => entry === "draining";

/** The newest level that an owner knows. `undefined` if its entry names none; that is not level 0. */
export function levelOfOwner(entry: string): number | undefined {
  const [, level] = /^serving (\d{1,5})$/.exec(entry) ?? [];
  return level === undefined ? undefined : Number(level);
}

/**
 * Bucket of revocations: the time at which a token was revoked, or the lowest revision of a user's credential
 * that is still valid.
 */
export const revocationText = (at: number): string => String(at);
export const readRevocation = (text: string): number => Number(text);

/** Bucket of people: the value of a user whose account was deleted. The value of everyone else is empty. */
export const DELETED_PERSON = "deleted";

/** Bucket of people: the revision of the accounts bucket up to which everyone has been copied. */
export const progressText = (revision: number): string => String(revision);
export const readProgress = (text: string): number => Number(text);
