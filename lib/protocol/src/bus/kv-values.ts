/** Values of buckets that are not JSON: the key says what they are of. */

/** Of the bucket of watermarks: the position up to which ClickHouse holds a partition. */
export const watermarkText = (position: number): string => String(position);
export const readWatermark = (text: string): number => Number(text);

/** Of the bucket of owners. A lease's value is the id of its owner. */
export type OwnerState = "serving" | "draining";
export const readOwnerState = (text: string): OwnerState => (text === "draining" ? "draining" : "serving");

/** Of the bucket of revocations: when a token was revoked, or the least revision of a user that is valid. */
export const revocationText = (at: number): string => String(at);
export const readRevocation = (text: string): number => Number(text);

/** Of the bucket of people: the revision of the accounts up to which everybody is in it. */
export const progressText = (revision: number): string => String(revision);
export const readProgress = (text: string): number => Number(text);
