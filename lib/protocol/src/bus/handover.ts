import { decodeInner, encodeInner } from "./wire.ts";

/** From a partition's owner to its successor: read the log while it is still served. The reply is empty. */
export interface Handover {
  readonly v: 1;
  readonly partition: number;
}

export const encodeHandover = (handover: Handover): Uint8Array => encodeInner(handover);

export const decodeHandover = (bytes: Uint8Array): Handover => decodeInner<Handover>(bytes, "a hand-over");
