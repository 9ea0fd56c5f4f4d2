import type { FastifyRequest } from "fastify";
import { ChatError } from "@jichat/protocol/errors.ts";
import type { ClientFrame } from "@jichat/conversation/client-frame.ts";
import { readClientFrame } from "@jichat/conversation/client-frame.ts";
import { Fields } from "@jichat/protocol/frame/fields.ts";
import * as readers from "@jichat/protocol/frame/readers.ts";
import { LEVEL_KNOWN } from "@jichat/protocol/level.ts";
import * as limits from "@jichat/protocol/limits.ts";

/** The documented fields of a body or query. Their schemas tell which ones are integers. */
export type Declared = Readonly<Record<string, object>>;

const quoted = (name: string): string => `\`${JSON.stringify(name.slice(0, 64)).slice(1, -1)}\``;
const refuse = (name: string, why: string): ChatError => new ChatError("INVALID", `${quoted(name)} ${why}`);

/** A request's body as a map. Throws INVALID for any field that the route does not name. */
export function bodyOf({ body }: FastifyRequest, declared: Declared): Readonly<Record<string, unknown>> {
  if (typeof body !== "object" || body === null || Array.isArray(body))
    throw new ChatError("INVALID", "the body is not a JSON map");
  for (const name of Object.keys(body))
    if (!Object.hasOwn(declared, name)) throw refuse(name, "is not a field of this request");
  return { ...body };
}

const percentDecoded = (text: string): string | undefined => {
  try {
    return decodeURIComponent(text.replaceAll("+", " "));
  } catch {
    return undefined; // An incomplete escape or invalid UTF-8. The caller names the parameter.
  }
};

/**
 * The query parameters that the route names; others are ignored. A query holds only text, so a parameter that
 * is declared as an integer is converted if it is written as one. Throws INVALID for a repeated parameter or
 * a wrong encoding.
 */
export function queryOf(request: FastifyRequest, declared: Declared): Readonly<Record<string, unknown>> {
  const url = request.raw.url ?? "";
  const start = url.indexOf("?");
  const query = new Map<string, unknown>();
  for (const pair of start === -1 ? [] : url.slice(start + 1).split("&")) {
    const cut = pair.indexOf("=");
    const written = cut === -1 ? pair : pair.slice(0, cut);
    const name = percentDecoded(written);
    const value = cut === -1 ? "" : percentDecoded(pair.slice(cut + 1));
    if (name === undefined || value === undefined)
      throw refuse(name ?? written, "is not percent-encoded UTF-8 in the query");
    if (!Object.hasOwn(declared, name)) continue;
    if (query.has(name)) throw refuse(name, "is in the query more than once");
    query.set(name, valueOf(declared[name], value));
  }
  return Object.fromEntries(query);
}

/** The path parameters of the route, converted like those of a query. */
export const paramsOf = ({ params }: FastifyRequest, declared: Declared): Readonly<Record<string, unknown>> =>
  Object.fromEntries(
    Object.entries(declared).map(([name, schema]) => {
      const value = (params as Readonly<Record<string, string>>)[name] ?? "";
      return [name, valueOf(schema, value)];
    }),
  );

/** Converts to an integer if one is declared and the text is one. */
const valueOf = (schema: object | undefined, text: string): unknown =>
  isInteger(schema) && /^\d{1,16}$/.test(text) ? Number(text) : text;

const isInteger = (schema: object | undefined): boolean =>
  schema !== undefined && "type" in schema && schema.type === "integer";

/**
 * Reads a request as the equivalent frame of a socket. The same reader serves both, so neither accepts what
 * the other refuses.
 */
export function readAs<T extends ClientFrame["t"]>(
  t: T,
  values: Readonly<Record<string, unknown>>,
): Extract<ClientFrame, { t: T }> {
  return readClientFrame({ ...values, t }, limits.BODY_BYTES_MAX, LEVEL_KNOWN) as Extract<
    ClientFrame,
    { t: T }
  >;
}

/** Placeholders for frame fields that a request does not have. */
const NONE = { id: "rest", conversation: "rest" } as const;

export const readPull = (conversation: unknown, query: Readonly<Record<string, unknown>>) =>
  readAs("pull", { ...NONE, ...query, conversation });
export const readSync = (query: Readonly<Record<string, unknown>>) => readAs("sync", { ...NONE, ...query });
export const readName = (body: unknown): string => readers.readName(new Fields(body));

/** Reads a required id of a user or a conversation. */
export const readIdOf = (values: unknown, name: string): string =>
  readers.readIdNamed(new Fields(values), name);

/** Bounds of a password's length, in characters. */
export const PASSWORD_LENGTH_MIN = 8;
export const PASSWORD_LENGTH_MAX = 256;

/** Reads a password of `PASSWORD_LENGTH_MIN` to `PASSWORD_LENGTH_MAX` characters. */
export const readPassword = (values: unknown, name: string): string =>
  new Fields(values).string(name, PASSWORD_LENGTH_MAX, PASSWORD_LENGTH_MIN);

const USERS_PAGE_MAX = 100;
const USERS_PAGE_DEFAULT = 20;
export const usersLimit = {
  type: "integer",
  minimum: 1,
  maximum: USERS_PAGE_MAX,
  default: USERS_PAGE_DEFAULT,
  description: "most items of the answer",
} as const;

export interface UsersQuery {
  readonly q: string;
  readonly limit: number;
  readonly next: string | undefined;
}

/** Reads a user search. `next` must begin with `q`: any other position would page through other users. */
export function readUsersQuery(query: Readonly<Record<string, unknown>>): UsersQuery {
  const q = readIdOf(query, "q");
  const next = query["next"] === undefined ? undefined : readIdOf(query, "next");
  if (next !== undefined && !next.toLowerCase().startsWith(q.toLowerCase()))
    throw refuse("next", "is not of a page of this `q`");
  const fields = new Fields(query);
  const limit = fields.optional("limit", (f) => readers.readLimit(f, USERS_PAGE_MAX)) ?? USERS_PAGE_DEFAULT;
  return { q, limit, next };
}

/** Most members of a conversation in one answer. */
export const MEMBERS_LIMIT_MAX = 1_000;

/** Reads `after` and `limit` of a page of members. */
export function readMembersQuery(query: Readonly<Record<string, unknown>>): {
  readonly after: string | undefined;
  readonly limit: number;
} {
  const fields = new Fields(query);
  return {
    after: fields.optional("after", (f) => readers.readIdNamed(f, "after")),
    limit: fields.optional("limit", (f) => readers.readLimit(f, MEMBERS_LIMIT_MAX)) ?? MEMBERS_LIMIT_MAX,
  };
}

/** Reads whether the token of a request is kept when all others end. */
export const readKeep = (query: Readonly<Record<string, unknown>>): "current" | undefined => {
  const { keep } = query;
  if (keep !== undefined && keep !== "current") throw refuse("keep", "is not `current`");
  return keep;
};
