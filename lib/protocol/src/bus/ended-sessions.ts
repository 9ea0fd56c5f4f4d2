import { decodeInner } from "./wire.ts";

/** What a user ended of their sessions: an entry of the bucket of revocations. */
export interface EndedSessions {
  readonly v: 1;
  /**
   * Devices that were ended, with a time in milliseconds since 1970: what was issued before that time is not
   * accepted from the device.
   */
  readonly devices: readonly (readonly [device: string, at: number])[];
  /**
   * The token that was kept when all others ended, and the revision of the credential up to which it is
   * valid.
   */
  readonly kept?: { readonly tokenId: string; readonly revision: number } | undefined;
}

export const endedSessionsText = (ended: EndedSessions): string => JSON.stringify(ended);

export const readEndedSessions = (text: string): EndedSessions =>
  decodeInner<EndedSessions>(text, "a user's ended sessions");
