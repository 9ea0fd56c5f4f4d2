import type { Section } from "./row.ts";
import { fixed, optional } from "./row.ts";

const CLIENT = "client/src/chat-client.ts";
const CHAT = "client/src/chat/open-chat.ts";
const TOKENS = "client/src/token-source.ts";
const DROPPED = "the least recently used is dropped";

const queues = [
  optional(["writes of a `ChatClient` without an ack", "count", "`BUSY`"], CLIENT, [
    "OUTBOX_MAX",
    "outboxMax",
  ]),
  optional(["the same, under `openChat`", "count", "`BUSY`"], CHAT, ["OUTBOX_MAX", "outboxMax"]),
  fixed(["of them under way", "count", "the others wait in the outbox"], "client/src/outbox.ts", "WINDOW"),
  fixed(
    ["pending messages of `openChat`, failed ones included", "count", "`BUSY`"],
    "client/src/chat/sends.ts",
    "PENDING_MAX",
  ),
  optional(["notices that wait for one `for await`", "count", "that loop ends with `BUSY`"], CLIENT, [
    "FEED_MAX",
    "feedMax",
  ]),
];

const memory = [
  optional(["lines of a thread", "count", "dropped at the other end, and paged back"], CHAT, [
    "LINES_MAX",
    "linesMax",
  ]),
  fixed(["the least `linesMax`", "count", "`INVALID`"], CHAT, "LINES_MIN"),
  fixed(
    ["loaded threads that nobody is subscribed to", "count", DROPPED],
    "client/src/chat/threads.ts",
    "IDLE_MAX",
  ),
  fixed(["remembered names", "count", DROPPED], "client/src/chat/people.ts", "REMEMBERED_MAX"),
  fixed(
    ["members of a group that are loaded", "count", "the others are not shown"],
    "client/src/chat/members.ts",
    "MEMBERS_MAX",
  ),
  fixed(
    ["drafts of `useComposer`", "count", "the one not written to for longest is dropped"],
    "react/src/drafts.ts",
    "DRAFTS_MAX",
  ),
];

const waits = [
  optional(["`connect()`", "ms", "it rejects; the device goes on trying"], CLIENT, [
    "CONNECT_MS",
    "timeoutMs",
  ]),
  fixed(["a call of `token()`", "ms", "`UNAVAILABLE`; it is called again"], TOKENS, "ANSWER_MS"),
  fixed(["between two calls of `token()`, at least", "ms", "the second one waits"], TOKENS, "TOKEN_FLOOR_MS"),
  optional(
    ["an answer of the REST interface", "ms", "`UNAVAILABLE`, with the status 0"],
    "client/src/rest.ts",
    ["ANSWER_MS", "timeoutMs"],
  ),
  fixed(["an answer to `pull` or `list`", "ms", "`UNAVAILABLE`"], "client/src/replies.ts", "REPLY_MS"),
  fixed(
    ["silence of the server while a frame has no answer", "ms", "the device reconnects"],
    "client/src/liveness.ts",
    "DEAD_MS",
  ),
  fixed(
    ["a socket that opens, in every other round of all URLs", "ms", "the next connector is tried"],
    "client/src/link.ts",
    "SHORT_MS",
  ),
  fixed(
    ["a socket that opens, in the other rounds", "ms", "the next connector is tried"],
    "client/src/link.ts",
    "LONG_MS",
  ),
  fixed(
    ["a welcome over an open socket", "ms", "the next connector is tried"],
    "client/src/open-connection.ts",
    "WELCOME_MS",
  ),
  fixed(["the pause between two tries to connect", "ms", "the next try"], "client/src/backoff.ts", "MAX_MS"),
];

export const SDK: Section = {
  title: "The SDK",
  text: `[Offline and persistence](offline.md) says what the first two groups of rows are about: what waits to be sent,
and what is kept in memory. The others are waits.`,
  rows: [...queues, ...memory, ...waits],
};
