import { ChatError } from "../errors.ts";
import { isClientId } from "../id-forms.ts";
import { unknownFrame } from "../level.ts";
import * as limits from "../limits.ts";
import type { BodyText } from "./body.ts";
import { readBody } from "./body.ts";
import { Fields } from "./fields.ts";
import {
  readClient,
  readConversation,
  readCursor,
  readId,
  readIdNamed,
  readLimit,
  readName,
  readSeq,
  readToken,
  readUsers,
} from "./readers.ts";

export interface Hello {
  readonly t: "hello";
  readonly token?: string | undefined;
  readonly ticket?: string | undefined;
  readonly device: string;
  readonly client?: string | undefined;
  readonly echo: boolean;
}

export interface Send {
  readonly t: "send";
  readonly id: string;
  readonly conversation?: string | undefined;
  readonly to?: string | undefined;
  readonly body: BodyText;
  readonly replyTo?: number | undefined;
  readonly mentions?: readonly string[] | undefined;
}

export interface Edit {
  readonly t: "edit";
  readonly id: string;
  readonly conversation: string;
  readonly seq: number;
  readonly body: BodyText;
}
export interface Recall {
  readonly t: "recall";
  readonly id: string;
  readonly conversation: string;
  readonly seq: number;
}
export interface Create {
  readonly t: "create";
  readonly id: string;
  readonly name: string;
  readonly members: readonly string[];
}
export interface Rename {
  readonly t: "rename";
  readonly id: string;
  readonly conversation: string;
  readonly name: string;
}
export interface Members {
  readonly t: "invite" | "remove";
  readonly id: string;
  readonly conversation: string;
  readonly users: readonly string[];
}
export interface Leave {
  readonly t: "leave";
  readonly id: string;
  readonly conversation: string;
}
export interface Read {
  readonly t: "read";
  readonly id?: string | undefined;
  readonly conversation: string;
  readonly seq: number;
}
export type WriteFrame = Send | Edit | Recall | Create | Rename | Members | Leave | Read;

export interface Sync {
  readonly t: "sync";
  readonly id: string;
  readonly since?: string | undefined;
  readonly page?: string | undefined;
  readonly limit: number;
}

export interface Pull {
  readonly t: "pull";
  readonly id: string;
  readonly conversation: string;
  readonly after?: number | undefined;
  readonly before?: number | undefined;
  readonly limit: number;
}

export interface Renew {
  readonly t: "renew";
  readonly id: string;
  readonly token: string;
}
export interface Ping {
  readonly t: "ping";
  readonly id?: string | undefined;
}
export type ClientFrame = Hello | WriteFrame | Sync | Pull | Renew | Ping;

function readTarget(fields: Fields): { conversation: string | undefined; to: string | undefined } {
  const conversation = fields.optional("conversation", readConversation);
  const to = fields.optional("to", (f) => readIdNamed(f, "to"));
  if ((conversation === undefined) === (to === undefined)) {
    throw new ChatError("FRAME_MALFORMED", "a send names either `conversation` or `to`");
  }
  return { conversation, to };
}

function readHello(fields: Fields): Hello {
  const token = fields.optional("token", (f) => readToken(f));
  const ticket = fields.optional("ticket", (f) => readToken(f, "ticket"));
  if ((token === undefined) === (ticket === undefined)) {
    throw new ChatError("FRAME_MALFORMED", "a hello carries either `token` or `ticket`");
  }
  const client = fields.optional("client", readClient);
  const echo = fields.optional("echo", (f) => f.boolean("echo")) ?? false;
  return { t: "hello", token, ticket, device: readIdNamed(fields, "device"), client, echo };
}

function readPull(fields: Fields): Pull {
  const after = fields.optional("after", (f) => readSeq(f, "after", 0));
  const before = fields.optional("before", (f) => readSeq(f, "before", 0));
  if (after !== undefined && before !== undefined)
    throw new ChatError("FRAME_MALFORMED", "a pull names `after` or `before`, not both");
  const limit =
    fields.optional("limit", (f) => readLimit(f, limits.PAGE_EVENTS_MAX)) ?? limits.PAGE_EVENTS_DEFAULT;
  return { t: "pull", id: readId(fields), conversation: readConversation(fields), after, before, limit };
}

function readSync(fields: Fields): Sync {
  const cursor = (name: string) => fields.optional(name, (f) => readCursor(f, name));
  const limit =
    fields.optional("limit", (f) => readLimit(f, limits.SYNC_LIMIT_MAX)) ?? limits.SYNC_LIMIT_DEFAULT;
  return { t: "sync", id: readId(fields), since: cursor("since"), page: cursor("page"), limit };
}

function readCreate(fields: Fields): Create {
  if (fields.string("kind", 32) !== "group") throw new ChatError("FRAME_MALFORMED", "`kind` is not `group`");
  return {
    t: "create",
    id: readId(fields),
    name: readName(fields),
    members: readUsers(fields, "members", 0),
  };
}

/** The only door from a client's fields to our types. What the protocol does not name is dropped here. */
export function readClientFrame(value: unknown, bodyBytesMax: number): ClientFrame {
  const fields = new Fields(value);
  const t = fields.string("t", 32);
  const body = (): BodyText => readBody(fields.raw("body"), bodyBytesMax);
  const seq = (): number => readSeq(fields, "seq", 1);
  switch (t) {
    case "hello":
      return readHello(fields);
    case "ping":
      return { t, id: fields.optional("id", readId) };
    case "send":
      return {
        t,
        id: readId(fields),
        ...readTarget(fields),
        body: body(),
        replyTo: fields.optional("replyTo", (f) => readSeq(f, "replyTo", 1)),
        mentions: fields.optional("mentions", (f) => readUsers(f, "mentions", 0)),
      };
    case "edit":
      return { t, id: readId(fields), conversation: readConversation(fields), seq: seq(), body: body() };
    case "recall":
      return { t, id: readId(fields), conversation: readConversation(fields), seq: seq() };
    case "create":
      return readCreate(fields);
    case "rename":
      return { t, id: readId(fields), conversation: readConversation(fields), name: readName(fields) };
    case "invite":
    case "remove":
      return {
        t,
        id: readId(fields),
        conversation: readConversation(fields),
        users: readUsers(fields, "users", 1),
      };
    case "leave":
      return { t, id: readId(fields), conversation: readConversation(fields) };
    case "read":
      return {
        t,
        id: fields.optional("id", readId),
        conversation: readConversation(fields),
        seq: readSeq(fields, "seq", 0),
      };
    case "pull":
      return readPull(fields);
    case "sync":
      return readSync(fields);
    case "renew":
      return { t, id: readId(fields), token: readToken(fields) };
    default:
      throw unknownFrame(t);
  }
}

/**
 * The `id` of a frame that was refused, so that its error can name it; undefined where it had no readable
 * one.
 */
export function idOf(value: unknown): string | undefined {
  if (typeof value !== "object" || value === null) return undefined;
  const id: unknown = (value as Record<string, unknown>)["id"];
  return typeof id === "string" && isClientId(id) ? id : undefined;
}
