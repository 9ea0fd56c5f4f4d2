import { hash } from "node:crypto";

/** Characters of base64url that hold 128 bits and more. */
const SHORT = 22;
/** The limit of a Web Push `Topic`. */
const COLLAPSE_CHARS = 32;

/** What a push is about: one conversation on one device. Devices name themselves, so the user counts too. */
export interface Place {
  readonly user: string;
  readonly device: string;
  readonly conversation: string;
}

/** No id has a space. */
const digest = (...words: readonly (string | number)[]): string =>
  hash("sha256", words.join(" "), "base64url");

/** The same for every attempt at the same message, by whatever worker: 43 characters, base64url. */
export const notificationId = ({ user, device, conversation }: Place, seq: number, is: string): string =>
  digest("push", is, user, device, conversation, seq);

/** The key of a place in Redis, in KV, and in memory: 22 characters, base64url. */
export const placeKey = ({ user, device, conversation }: Place): string =>
  digest("place", user, device, conversation).slice(0, SHORT);

/** The same for all of a conversation: 32 characters, base64url. */
export const collapseKey = (conversation: string): string =>
  digest("conversation", conversation).slice(0, COLLAPSE_CHARS);

/** Key in the bucket of pushes that wait. */
export const laterKey = (partition: number, place: Place): string => `${partition}.${placeKey(place)}`;
