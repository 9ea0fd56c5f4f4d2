import { ChatError } from "../errors.ts";
import { isClientId } from "../id-forms.ts";
import * as limits from "../limits.ts";
import type { Fields } from "./fields.ts";
import {
  readClient,
  readConversation,
  readCursor,
  readId,
  readIdNamed,
  readLimit,
  readSeq,
  readToken,
} from "./readers.ts";

export interface Hello {
  readonly t: "hello";
  readonly token?: string | undefined;
  readonly ticket?: string | undefined;
  readonly device: string;
  readonly client?: string | undefined;
  readonly echo: boolean;
}

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
/** Whether somebody looks at this device. A push is for nobody who does. */
export interface StateFrame {
  readonly t: "state";
  readonly id?: string | undefined;
  readonly active: boolean;
}
/** Frames of a client other than writes. Writes are verbs (`lib/conversation`). */
export type ControlFrame = Hello | Sync | Pull | Renew | Ping | StateFrame;

/** The lowest level of a cluster that answers a frame, where that is not the first. */
export const CONTROL_LEVELS: Readonly<Partial<Record<string, number>>> = { state: 2 };

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

/** Reads a frame that is not a write. `undefined` for any other type. Throws FRAME_MALFORMED. */
export function readControlFrame(t: string, fields: Fields): ControlFrame | undefined {
  switch (t) {
    case "hello":
      return readHello(fields);
    case "ping":
      return { t, id: fields.optional("id", readId) };
    case "pull":
      return readPull(fields);
    case "sync":
      return readSync(fields);
    case "renew":
      return { t, id: readId(fields), token: readToken(fields) };
    case "state":
      return { t, id: fields.optional("id", readId), active: fields.boolean("active") };
    default:
      return undefined;
  }
}

/** The `id` of a refused frame, so that the error can name it. `undefined` if it has no readable one. */
export function idOf(value: unknown): string | undefined {
  if (typeof value !== "object" || value === null) return undefined;
  const id: unknown = (value as Record<string, unknown>)["id"];
  return typeof id === "string" && isClientId(id) ? id : undefined;
}
