import { isVerb, verbOf } from "@jichat/conversation/tables.ts";
import type { AnyVerb } from "@jichat/conversation/verb.ts";
import { ChatError } from "@jichat/protocol/errors.ts";
import { Fields } from "@jichat/protocol/frame/fields.ts";
import { readConversation, readCursor, readId, readLimit, readSeq } from "@jichat/protocol/frame/readers.ts";
import { PAGE_EVENTS_MAX, SYNC_LIMIT_MAX } from "@jichat/protocol/limits.ts";
import { plainBody } from "./plain-body.ts";

/** Fields of questions, by their names; the readers are the server's own. */
const ASKED: Readonly<Record<string, (fields: Fields, t: string) => unknown>> = {
  t: (fields) => fields.string("t", 32),
  id: readId,
  conversation: readConversation,
  after: (fields) => readSeq(fields, "after", 0),
  before: (fields) => readSeq(fields, "before", 0),
  since: (fields) => readCursor(fields, "since"),
  page: (fields) => readCursor(fields, "page"),
  limit: (fields, t) => readLimit(fields, t === "sync" ? SYNC_LIMIT_MAX : PAGE_EVENTS_MAX),
};
const OPTIONAL: ReadonlySet<string> = new Set(["id", "after", "before", "since", "page", "limit"]);

/**
 * What an application asks for, as a frame that the server takes: a copy, which the application can change no
 * more. Throws FRAME_MALFORMED that names the field. The server would say the same, and closes a device for
 * good that is told so three times in a row.
 */
export function checkedFrame<F extends { readonly t: string }>(frame: F): F {
  const fields = new Fields(frame);
  const { t } = frame;
  const copy = isVerb(t) ? checkedWrite(verbOf(t), fields) : checkedQuestion(frame, fields);
  return { ...copy, t } as unknown as F;
}

/** The fields that the verb has, checked. A write without an `id` gets it later; a body stays a map. */
export function checkedWrite({ frame, check }: Pick<AnyVerb, "frame" | "check">, fields: Fields): object {
  const copy: Record<string, unknown> = {};
  for (const [name, field] of Object.entries(frame)) {
    const given = fields.raw(name);
    if (given === undefined && (name === "id" || field.isOptional === true)) continue;
    const read = name === "body" ? plainBody(given) : field.read(fields, name);
    copy[name] = field.isConstant === true ? given : read;
  }
  check?.(copy);
  return copy;
}

function checkedQuestion(frame: { readonly t: string }, fields: Fields): object {
  const { t } = frame;
  const copy: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(frame))
    if (value !== undefined || !OPTIONAL.has(name)) copy[name] = ASKED[name]?.(fields, t);
  if (copy["after"] !== undefined && copy["before"] !== undefined)
    throw new ChatError("FRAME_MALFORMED", `a ${t} names either \`after\` or \`before\`, not both`);
  return copy;
}
