import { decodeInner, encodeInner } from "./wire.ts";

/**
 * A request from a partition's owner to its successor: read the log while the owner still serves it. The
 * reply is empty.
 */
export interface Handover {
  readonly v: 1;
  readonly partition: number;
}

export const encodeHandover = (handover: Handover): Uint8Array => encodeInner(handover);

export const decodeHandover = (bytes: Uint8Array): Handover => decodeInner<Handover>(bytes, "a hand-over");
