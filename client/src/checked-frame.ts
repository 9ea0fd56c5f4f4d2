import type { FieldsOf, VerbName } from "@jichat/conversation/tables.ts";
import { ChatError } from "@jichat/protocol/errors.ts";
import type { Pull, Sync } from "@jichat/protocol/frame/client-frame.ts";
import { Fields } from "@jichat/protocol/frame/fields.ts";
import {
  readConversation,
  readCursor,
  readId,
  readIdNamed,
  readLimit,
  readName,
  readSeq,
  readUsers,
} from "@jichat/protocol/frame/readers.ts";
import { PAGE_EVENTS_MAX, SYNC_LIMIT_MAX } from "@jichat/protocol/limits.ts";
import { plainBody } from "./plain-body.ts";

type Read = (fields: Fields, t: string) => unknown;

/** Of every frame that an application asks for. */
type FieldName = "t" | keyof Pull | keyof Sync | { readonly [V in VerbName]: keyof FieldsOf<V> }[VerbName];

/** What a field is, by its name; the readers are the server's own. One without a reader would not be sent. */
const READERS: Readonly<Record<FieldName, Read>> = {
  t: (fields) => fields.string("t", 32),
  kind: (fields) => fields.string("kind", 32),
  id: readId,
  conversation: readConversation,
  to: (fields) => readIdNamed(fields, "to"),
  body: (fields) => plainBody(fields.raw("body")),
  seq: (fields, t) => readSeq(fields, "seq", t === "read" ? 0 : 1),
  replyTo: (fields) => readSeq(fields, "replyTo", 1),
  mentions: (fields) => readUsers(fields, "mentions", 0),
  members: (fields) => readUsers(fields, "members", 0),
  users: (fields) => readUsers(fields, "users", 1),
  name: (fields) => readName(fields),
  after: (fields) => readSeq(fields, "after", 0),
  before: (fields) => readSeq(fields, "before", 0),
  since: (fields) => readCursor(fields, "since"),
  page: (fields) => readCursor(fields, "page"),
  limit: (fields, t) => readLimit(fields, t === "sync" ? SYNC_LIMIT_MAX : PAGE_EVENTS_MAX),
};
const READ: Readonly<Record<string, Read>> = READERS;
const OPTIONAL: ReadonlySet<string> = new Set([
  "id",
  "replyTo",
  "mentions",
  "after",
  "before",
  "since",
  "page",
  "limit",
]);
/** Pairs of fields that exclude each other. */
const EITHER: readonly (readonly [string, string])[] = [
  ["conversation", "to"],
  ["after", "before"],
];

/**
 * Checks what an application asks for, and returns a copy that the application cannot change. Throws
 * FRAME_MALFORMED, which names the field. The server would refuse such a frame too, and after three in a row
 * it closes the device for good.
 */
export function checkedFrame<F extends { readonly t: string }>(frame: F): F {
  const fields = new Fields(frame);
  const copy: Record<string, unknown> = {};
  const { t } = frame;
  for (const [name, value] of Object.entries(frame))
    if (value !== undefined || !mayLack(t, name)) copy[name] = READ[name]?.(fields, t);
  for (const [one, other] of EITHER)
    if (copy[one] !== undefined && copy[other] !== undefined)
      throw new ChatError("FRAME_MALFORMED", `a ${t} names either \`${one}\` or \`${other}\`, not both`);
  if (t === "send" && copy["conversation"] === undefined && copy["to"] === undefined)
    throw new ChatError("FRAME_MALFORMED", "a send names either `conversation` or `to`");
  return copy as F;
}

const mayLack = (t: string, name: string): boolean =>
  OPTIONAL.has(name) || (t === "send" && (name === "conversation" || name === "to"));
