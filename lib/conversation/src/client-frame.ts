import { ChatError } from "@jichat/protocol/errors.ts";
import type { ControlFrame } from "@jichat/protocol/frame/client-frame.ts";
import { CONTROL_LEVELS, readControlFrame } from "@jichat/protocol/frame/client-frame.ts";
import { Fields } from "@jichat/protocol/frame/fields.ts";
import type { FieldsOf, VerbName } from "./tables.ts";
import { READERS, isVerb, verbOf } from "./tables.ts";

export type FrameOf<V extends VerbName> = { readonly t: V } & FieldsOf<V>;
export type WriteFrame = { readonly [V in VerbName]: FrameOf<V> }[VerbName];
export type ClientFrame = ControlFrame | WriteFrame;

const unknownFrame = (t: string): ChatError =>
  new ChatError("FRAME_UNKNOWN", `unknown frame type ${JSON.stringify(t)}`);

/**
 * Throws FRAME_UNKNOWN for a verb above the cluster's level. A build of the earlier level answers the same,
 * so during an upgrade it does not matter which build a client meets.
 */
export function checkAnswered(verb: VerbName, level: number): void {
  if (verbOf(verb).level > level) throw unknownFrame(verb);
}

/** Reads a write of type `t`. Fields that its verb does not name are dropped. Throws FRAME_MALFORMED. */
function readWrite<V extends VerbName>(t: V, fields: Fields): WriteFrame {
  const frame = READERS[t](fields, { t });
  verbOf(t).check?.(frame);
  return frame as unknown as WriteFrame;
}

/**
 * The only way from a client's fields to our types. A verb or another frame above the cluster's `level` is refused before its
 * fields are read, as a build that does not know the verb would. Throws FRAME_UNKNOWN or FRAME_MALFORMED.
 */
export function readClientFrame(value: unknown, bodyBytesMax: number, level: number): ClientFrame {
  const fields = new Fields(value, bodyBytesMax);
  const t = fields.string("t", 32);
  if (isVerb(t)) {
    checkAnswered(t, level);
    return readWrite(t, fields);
  }
  const isAnswered = !Object.hasOwn(CONTROL_LEVELS, t) || (CONTROL_LEVELS[t] ?? 0) <= level;
  const frame = isAnswered ? readControlFrame(t, fields) : undefined;
  if (frame === undefined) throw unknownFrame(t);
  return frame;
}
