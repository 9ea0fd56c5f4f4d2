import { decodeInner, encodeInner } from "./wire.ts";

/**
 * A message from the connector that now holds a device to the one that held it: close that session with 4409,
 * unless it was born later.
 */
export interface Replacement {
  readonly v: 1;
  readonly user: string;
  readonly device: string;
  readonly session: string;
  /**
   * The birth (microseconds since 1970) of the session that took its place. Absent if the user had too many
   * devices, and from connectors of earlier builds.
   */
  readonly birth?: number | undefined;
}

export const encodeReplacement = (replacement: Replacement): Uint8Array => encodeInner(replacement);

export const decodeReplacement = (bytes: Uint8Array): Replacement =>
  decodeInner<Replacement>(bytes, "a replacement");
