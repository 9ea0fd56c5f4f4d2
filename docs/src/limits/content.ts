import type { Section } from "./row.ts";
import { fixed, optional, set } from "./row.ts";

const PROTOCOL = "lib/protocol/src/limits.ts";
const FIELDS = "lib/protocol/src/frame/readers.ts";
const API = "api/src/readers.ts";
const PEOPLE = "api/src/readers-of-people.ts";
const OTHER = "ask for another number";
const REFUSED = "`FRAME_MALFORMED`, REST `INVALID`; both name the field";

const messages: Section = {
  title: "Messages and frames",
  text: "A `body` is counted as compact JSON in UTF-8, in either encoding of the socket.",
  rows: [
    set(
      ["a `body`", "bytes", "SDK `FRAME_TOO_LARGE`; socket `FRAME_MALFORMED`, REST `INVALID`"],
      "connector",
      "BODY_BYTES_MAX",
    ),
    fixed(["depth of maps and lists in a `body`", "count", REFUSED], PROTOCOL, "BODY_DEPTH_MAX"),
    set(
      ["a frame", "bytes", "`FRAME_TOO_LARGE`; beyond twice the limit the socket drops (1006)"],
      "connector",
      "FRAME_BYTES_MAX",
    ),
    fixed(["depth of a whole frame", "count", "`FRAME_MALFORMED`"], PROTOCOL, "FRAME_DEPTH_MAX"),
    fixed(
      ["a body of a REST request", "bytes", "413 `FRAME_TOO_LARGE`"],
      "api/src/http.ts",
      "BODY_BYTES_MAX",
    ),
    fixed(["headers of a REST request", "bytes", "431 `INVALID`"], "api/src/http.ts", "HEADER_BYTES_MAX"),
    fixed(
      ["headers of a REST request, until all are there", "ms", "408 `INVALID`"],
      "api/src/http.ts",
      "HEADERS_MS",
    ),
    fixed(["a whole REST request", "ms", "408 `INVALID`"], "api/src/http.ts", "REQUEST_MS"),
    fixed(
      ["a kept-alive connection to the api without a request", "ms", "it is closed"],
      "api/src/http.ts",
      "KEEP_ALIVE_MS",
    ),
    fixed(["people named in one frame or request", "count", REFUSED], PROTOCOL, "USERS_PER_FRAME_MAX"),
    fixed(["a `token` in a frame", "characters", "`FRAME_MALFORMED`"], FIELDS, "TOKEN_LENGTH_MAX"),
    fixed(["a cursor (`since`, `page`)", "characters", REFUSED], FIELDS, "CURSOR_LENGTH_MAX"),
    fixed(
      ["`client` of a `hello`", "characters", "SDK `INVALID`; `FRAME_MALFORMED`"],
      FIELDS,
      "CLIENT_LENGTH_MAX",
    ),
  ],
};

const conversations: Section = {
  title: "Conversations and history",
  text: `History is kept for ever: no limit removes messages. The number of conversations of a user has no limit
either. Ids of users, devices and conversations, and the \`id\` of a frame, have 1 to 64 characters.`,
  rows: [
    fixed(["members of a group", "count", "`CONFLICT`"], PROTOCOL, "GROUP_MEMBERS_MAX"),
    fixed(
      ["pinned messages of a conversation", "count", "`CONFLICT`"],
      "lib/conversation/src/pin.ts",
      "PINS_MAX",
    ),
    fixed(["name of a person or a group", "code points", REFUSED], PROTOCOL, "NAME_LENGTH_MAX"),
    fixed(["edit or recall a message, after it was sent", "ms", "`CONFLICT`"], PROTOCOL, "EDIT_WINDOW_MS"),
    fixed(["the end of a mute, from now", "ms", "`CONFLICT`"], PROTOCOL, "MUTE_MAX_MS"),
    fixed(
      ["an `id` that is no UUIDv7 is known again, at least", "ms", "the write may be stored twice"],
      PROTOCOL,
      "RECENT_MS",
    ),
    fixed(
      ["the same, in events of the conversation since", "count", "the write may be stored twice"],
      PROTOCOL,
      "RECENT_EVENTS_MAX",
    ),
    fixed(
      ["a UUIDv7 ahead of the server's clock", "ms", "it counts as an `id` that is no UUIDv7"],
      PROTOCOL,
      "ID_CLOCK_SKEW_MS",
    ),
  ],
};

const pages: Section = {
  title: "Pages",
  text: `An answer that has more to tell says so (\`more\`, \`next\`). It ends at its \`limit\` or at its bytes, whichever
is first.`,
  rows: [
    optional(["events of a page of history, by default", "count", OTHER], PROTOCOL, [
      "PAGE_EVENTS_DEFAULT",
      "limit",
    ]),
    fixed(["the same, at most", "count", REFUSED], PROTOCOL, "PAGE_EVENTS_MAX"),
    optional(["conversations of a page of the list, by default", "count", OTHER], PROTOCOL, [
      "SYNC_LIMIT_DEFAULT",
      "limit",
    ]),
    fixed(["the same, at most", "count", REFUSED], PROTOCOL, "SYNC_LIMIT_MAX"),
    fixed(["bytes of a page of either", "bytes", "the page ends earlier"], PROTOCOL, "REPLY_BYTES_MAX"),
    optional(["members of a page", "count", "`INVALID`"], API, ["MEMBERS_LIMIT_MAX", "limit"]),
    fixed(["profiles asked for together, or found by a search", "count", "`INVALID`"], PEOPLE, "PEOPLE_MAX"),
    optional(["people found by a search, by default", "count", OTHER], PEOPLE, ["FOUND_DEFAULT", "limit"]),
    fixed(["users found by the beginning of their id, a page", "count", "`INVALID`"], API, "USERS_PAGE_MAX"),
    optional(["the same, by default", "count", OTHER], API, ["USERS_PAGE_DEFAULT", "limit"]),
  ],
};

export const CONTENT: readonly Section[] = [messages, conversations, pages];
