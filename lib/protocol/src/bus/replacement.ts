import { decodeInner, encodeInner } from "./wire.ts";

/**
 * A message from the connector that now holds a device to the one that held it: close that session with 4409.
 */
export interface Replacement {
  readonly v: 1;
  readonly user: string;
  readonly device: string;
  readonly session: string;
}

export const encodeReplacement = (replacement: Replacement): Uint8Array => encodeInner(replacement);

export const decodeReplacement = (bytes: Uint8Array): Replacement =>
  decodeInner<Replacement>(bytes, "a replacement");
