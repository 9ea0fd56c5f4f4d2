import { ChatError } from "@jichat/protocol/errors.ts";
import type { Pull, Sync } from "@jichat/protocol/frame/client-frame.ts";
import { Fields } from "@jichat/protocol/frame/fields.ts";
import {
  readCursor,
  readId,
  readIdNamed,
  readLimit,
  readName,
  readSeq,
  readTime,
  readUsers,
} from "@jichat/protocol/frame/readers.ts";
import { PAGE_EVENTS_MAX, SYNC_LIMIT_MAX } from "@jichat/protocol/limits.ts";
import { shown } from "./option-faults.ts";
import { plainBody } from "./plain-body.ts";
import type { FrameFields, VERB_FIELDS } from "./verb-fields.ts";

/** Reads the field of this name in a frame of this `t`. */
type Read = (fields: Fields, name: string, t: string) => unknown;

type NamesOf<T> = T extends FrameFields<infer Name> ? Name : never;
/** Of every frame that an application asks for. */
type FieldName = NamesOf<(typeof VERB_FIELDS)[keyof typeof VERB_FIELDS]> | keyof Pull | keyof Sync;

const anyUsers: Read = (fields, name) => readUsers(fields, name, 0);
const anySeq: Read = (fields, name) => readSeq(fields, name, 0);

/** What a field is, by its name; the readers are the server's own. One without a reader would not be sent. */
const READERS: Readonly<Record<Exclude<FieldName, "t">, Read>> = {
  kind: (fields, name) => fields.string(name, 32),
  id: readId,
  conversation: readIdNamed,
  to: readIdNamed,
  body: (fields, name) => plainBody(fields.raw(name)),
  seq: (fields, name, t) => readSeq(fields, name, t === "read" ? 0 : 1),
  replyTo: (fields, name) => readSeq(fields, name, 1),
  mentions: anyUsers,
  members: anyUsers,
  users: (fields, name) => readUsers(fields, name, 1),
  name: readName,
  until: readTime,
  mentionsOnly: (fields, name) => fields.boolean(name),
  after: anySeq,
  before: anySeq,
  since: readCursor,
  page: readCursor,
  limit: (fields, _, t) => readLimit(fields, t === "sync" ? SYNC_LIMIT_MAX : PAGE_EVENTS_MAX),
};
const READ: Readonly<Record<string, Read>> = READERS;

/** The fields of the questions that an application asks. */
export const ASKED_FIELDS: Readonly<Record<string, FrameFields>> = {
  pull: { required: ["conversation"], optional: ["after", "before", "limit"] },
  sync: { required: [], optional: ["since", "page", "limit"] },
};

/** Pairs of fields that exclude each other. */
const EITHER: readonly (readonly [string, string])[] = [
  ["conversation", "to"],
  ["after", "before"],
];

const malformed = (why: string): ChatError => new ChatError("FRAME_MALFORMED", why);

/**
 * Checks what an application asks for, and returns a copy that the application cannot change. `frames` has the
 * fields of every such `t`; others are left out. Throws FRAME_MALFORMED, which names the field, and
 * FRAME_UNKNOWN for any other `t`. The server would refuse such a frame too, and after three in a row it
 * closes the device for good.
 */
export function checkedFrame<F extends { readonly t: string }>(
  frame: F,
  frames: Readonly<Record<string, FrameFields>>,
): F {
  const { t } = frame;
  const known = Object.hasOwn(frames, t) ? frames[t] : undefined;
  if (known === undefined) throw new ChatError("FRAME_UNKNOWN", `there is no verb ${shown(t)}`);
  const fields = new Fields(frame);
  const copy: Record<string, unknown> = { t };
  const { required, optional = [] } = known;
  const missing = required.find((name) => fields.raw(name) === undefined);
  if (missing !== undefined) throw malformed(`a ${t} needs \`${missing}\``);
  for (const name of ["id", ...required, ...optional])
    if (fields.raw(name) !== undefined) copy[name] = READ[name]?.(fields, name, t);
  for (const [one, other] of EITHER)
    if (copy[one] !== undefined && copy[other] !== undefined)
      throw malformed(`a ${t} names either \`${one}\` or \`${other}\`, not both`);
  if (t === "send" && copy["conversation"] === undefined && copy["to"] === undefined)
    throw malformed("a send names either `conversation` or `to`");
  return copy as F;
}
