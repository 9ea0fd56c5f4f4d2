import { ChatError } from "@jichat/protocol/errors.ts";
import type { ControlFrame } from "@jichat/protocol/frame/client-frame.ts";
import { readControlFrame } from "@jichat/protocol/frame/client-frame.ts";
import { Fields } from "@jichat/protocol/frame/fields.ts";
import type { FieldsOf, VerbName } from "./tables.ts";
import { READERS, isVerb, verbOf } from "./tables.ts";

export type FrameOf<V extends VerbName> = { readonly t: V } & FieldsOf<V>;
export type WriteFrame = { readonly [V in VerbName]: FrameOf<V> }[VerbName];
export type ClientFrame = ControlFrame | WriteFrame;

/** The newest level: every verb of this build is answered. */
export const EVERY_LEVEL = Number.MAX_SAFE_INTEGER;

/** A write of type `t`. What its verb does not name is dropped here. Throws FRAME_MALFORMED. */
function readWrite<V extends VerbName>(t: V, fields: Fields): WriteFrame {
  const frame = READERS[t](fields, { t });
  verbOf(t).check?.(frame);
  return frame as unknown as WriteFrame;
}

/**
 * The only door from a client's fields to our types. A verb that the cluster's `level` does not answer yet is
 * FRAME_UNKNOWN, like one that nobody knows.
 */
export function readClientFrame(value: unknown, bodyBytesMax: number, level = EVERY_LEVEL): ClientFrame {
  const fields = new Fields(value, bodyBytesMax);
  const t = fields.string("t", 32);
  if (isVerb(t) && verbOf(t).level <= level) return readWrite(t, fields);
  const frame = readControlFrame(t, fields);
  if (frame === undefined) throw new ChatError("FRAME_UNKNOWN", `unknown frame type ${JSON.stringify(t)}`);
  return frame;
}
