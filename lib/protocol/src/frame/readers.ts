import { isClientId, isId } from "../id-forms.ts";
import * as limits from "../limits.ts";
import type { Fields } from "./fields.ts";
import { nameOf } from "./name.ts";

/** Readers of single fields. Frames and REST bodies use the same ones; `readBody` reads bodies. */

const TOKEN_LENGTH_MAX = 8_192;
const CURSOR_LENGTH_MAX = 4_096;
const CLIENT_LENGTH_MAX = 128;

/** The client's own id of a frame. */
export const readId = (fields: Fields): string =>
  fields.matching("id", isClientId, "1 to 64 printable ASCII characters");

/** An id of a user, a device or a conversation. */
export const readIdNamed = (fields: Fields, name: string): string =>
  fields.matching(name, isId, "an id of [A-Za-z0-9_-]{1,64}");
export const readConversation = (fields: Fields): string => readIdNamed(fields, "conversation");

export const readName = (fields: Fields, name = "name"): string => nameOf(fields.raw(name), name);

/** Ids of users, without repetitions. */
export const readUsers = (fields: Fields, name: string, least: number): string[] => [
  ...new Set(fields.list(name, isId, least, limits.USERS_PER_FRAME_MAX)),
];

/** A seq in a conversation. `least` is 1 if it must name an event. */
export const readSeq = (fields: Fields, name: string, least: 0 | 1): number =>
  fields.int(name, least, Number.MAX_SAFE_INTEGER);

/** A time in milliseconds since 1970. */
export const readTime = (fields: Fields, name: string): number =>
  fields.int(name, 0, Number.MAX_SAFE_INTEGER);

export const readLimit = (fields: Fields, max: number): number => fields.int("limit", 1, max);
export const readToken = (fields: Fields, name = "token"): string => fields.line(name, TOKEN_LENGTH_MAX);
export const readCursor = (fields: Fields, name: string): string => fields.line(name, CURSOR_LENGTH_MAX);
export const readClient = (fields: Fields): string => fields.line("client", CLIENT_LENGTH_MAX, 0);
