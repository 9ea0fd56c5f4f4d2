/** Values of buckets that are not JSON: the key says what they are of. */

/** Of the bucket of watermarks: the position up to which ClickHouse holds a partition. */
export const watermarkText = (position: number): string => String(position);
export const readWatermark = (text: string): number => Number(text);

/**
 * Of the bucket of owners; a lease's value is the id of its owner. A build of level 0 takes everything for
 * serving that is not exactly `draining`, and says no level.
 */
export const ownerText = (known: number, draining: boolean): string =>
  draining ? "draining" : `serving ${known}`;

export const isDraining = (entry: string): boolean => entry === "draining";

/** The newest level that an owner says it knows; undefined where it says none, which is not 0. */
export function levelOfOwner(entry: string): number | undefined {
  const [, level] = /^serving (\d{1,5})$/.exec(entry) ?? [];
  return level === undefined ? undefined : Number(level);
}

/** Of the bucket of revocations: when a token was revoked, or the least revision of a user that is valid. */
export const revocationText = (at: number): string => String(at);
export const readRevocation = (text: string): number => Number(text);

/** Of the bucket of people: the revision of the accounts up to which everybody is in it. */
export const progressText = (revision: number): string => String(revision);
export const readProgress = (text: string): number => Number(text);
