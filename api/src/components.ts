import { FACETS, KINDS } from "@jichat/conversation/tables.ts";
import { REST_ERRORS } from "@jichat/protocol/rest-errors.ts";
import { DELETED_NAME } from "./profiles.ts";
import {
  clientId,
  cursor,
  id,
  locale,
  name,
  object,
  preview,
  pushKind,
  quietHours,
  ref,
  seq,
  time,
} from "./schemas.ts";

/** Of examples. */
export const TRACE_ID = "4bf92f3577b34da6a3ce929d0e0e4736";
const MADE_AT = 1_767_225_600_000;

/** An answer that may grow: clients ignore fields that they do not know. */
const open = <P extends object>(properties: P, required: readonly (keyof P & string)[]) =>
  ({ ...object(properties, required), additionalProperties: true }) as const;

const list = (items: object) => ({ type: "array", items }) as const;

/** Fields of events of all kinds. */
const fieldsOfKinds = Object.fromEntries(
  Object.values(KINDS).flatMap(({ fields }) =>
    Object.entries(fields).map(([name, { schema }]) => [name, schema]),
  ),
);

const event = open(
  {
    conversation: id,
    seq: { ...seq, description: "the event's number in its conversation, from 1 on without a hole" },
    no: { ...seq, description: "how many messages there are up to this event" },
    kind: { type: "string", enum: Object.keys(KINDS) },
    from: { type: "string", description: "the user who did it; empty for `lost`" },
    ts: time("when it was stored"),
    id: clientId,
    ...fieldsOfKinds,
    edited: { ...seq, description: "the event that last changed this message's body" },
    recalled: { ...seq, description: "the event that took this message back: it has no body" },
  },
  ["conversation", "seq", "no", "kind", "from", "ts"],
);

const conversation = open(
  {
    conversation: id,
    kind: { type: "string", enum: ["direct", "group"] },
    name,
    peer: { ...id, description: "the other user of a 1-1 conversation" },
    first: { ...seq, description: "the first event that the caller can see" },
    head: { ...seq, description: "the latest event" },
    read: { ...seq, description: "the caller's read mark" },
    unread: { type: "integer", minimum: 0 },
    ...Object.fromEntries(FACETS.map((facet) => [facet.name, facet.schema])),
    last: ref("Event"),
    left: { ...seq, description: "the event by which the caller left; then there are no other fields" },
  },
  ["conversation"],
);

const message = {
  conversation: "d_3b1f0c7a",
  seq: 2,
  no: 1,
  kind: "message",
  from: "alice",
  ts: MADE_AT,
  id: "m-1",
  body: { text: "hello" },
};

/** The named schemas of the OpenAPI document. Answers are serialized by them too. */
export const COMPONENTS: Readonly<Record<string, object>> = {
  Traced: open({ traceId: { type: "string", description: "finds the request in the logs of all parts" } }, [
    "traceId",
  ]),
  Error: {
    ...open(
      {
        code: { type: "string", enum: Object.keys(REST_ERRORS) },
        message: { type: "string", description: "for developers: what is wrong, and where" },
        retryAfterMs: { type: "integer", minimum: 0, description: "only for codes that allow a retry" },
        traceId: { type: "string" },
      },
      ["code", "message", "traceId"],
    ),
    examples: [{ code: "NOT_FOUND", message: "no such user", traceId: TRACE_ID }],
  },
  Profile: {
    ...open(
      {
        user: id,
        name,
        deleted: {
          type: "boolean",
          description: `true if the account was deleted; its \`name\` is then \`${DELETED_NAME}\``,
        },
      },
      ["user"],
    ),
    examples: [
      { user: "alice", name: "Alice B." },
      { user: "bob", name: DELETED_NAME, deleted: true },
    ],
  },
  ProfilePage: open({ items: list(ref("Profile")), next: { ...id, description: "if there are more" } }, [
    "items",
  ]),
  Token: {
    ...open({ token: { type: "string", description: "a JWT" }, expiresAt: time("when it ends") }, [
      "token",
      "expiresAt",
    ]),
    examples: [{ token: "eyJhbGciOiJFZERTQSJ9.e30.c2ln", expiresAt: MADE_AT + 86_400_000 }],
  },
  PageSession: open(
    { user: id, token: { type: "string", description: "a JWT" }, expiresAt: time("when it ends") },
    [],
  ),
  Session: {
    ...open(
      {
        device: id,
        connected: { type: "boolean" },
        connectedAt: time("when the device connected last"),
        expiresAt: time("when its token ends"),
        client: { type: "string", description: "the application and its version, as the device says" },
        current: { type: "boolean", description: "whether the device has the token of this request" },
      },
      ["device", "connected", "connectedAt", "expiresAt", "current"],
    ),
    examples: [
      {
        device: "phone1",
        connected: true,
        connectedAt: MADE_AT,
        expiresAt: MADE_AT + 86_400_000,
        client: "my-app/1.0",
        current: false,
      },
    ],
  },
  SessionList: open({ items: list(ref("Session")) }, ["items"]),
  Event: { ...event, examples: [message] },
  EventPage: open(
    {
      conversation: id,
      events: list(ref("Event")),
      first: seq,
      head: seq,
      more: { type: "boolean", description: "whether there are more in the direction that was asked" },
    },
    ["conversation", "events", "first", "head", "more"],
  ),
  Conversation: conversation,
  ConversationPage: open(
    {
      items: list(ref("Conversation")),
      cursor: { ...cursor, description: "the `since` of a later request" },
      more: { type: "boolean" },
      next: { ...cursor, description: "the `page` of the next request, if there is more" },
      reset: {
        type: "boolean",
        description:
          "`since` or `page` is of another life of the cluster: this is a first list, begin anew with it",
      },
    },
    ["items", "cursor", "more"],
  ),
  Member: open({ user: id, first: { ...seq, description: "the first event that the member sees" } }, [
    "user",
    "first",
  ]),
  MemberPage: open(
    {
      items: list(ref("Member")),
      creator: { ...id, description: "who made the conversation, a member or not" },
      next: { ...id, description: "the next `after`" },
    },
    ["items"],
  ),
  Accepted: {
    ...open(
      {
        conversation: id,
        seq,
        ts: time("when it was stored"),
        duplicate: { type: "boolean", description: "true if this `id` was accepted before" },
      },
      ["conversation", "seq", "ts"],
    ),
    examples: [{ conversation: "d_3b1f0c7a", seq: 2, ts: MADE_AT }],
  },
  PushDevice: {
    ...open(
      {
        device: id,
        kind: pushKind,
        locale,
        preview,
        quiet: quietHours,
        registeredAt: time("when it was registered last"),
      },
      ["device", "kind", "locale", "preview", "registeredAt"],
    ),
    examples: [{ device: "phone1", kind: "fcm", locale: "en-GB", preview: "sender", registeredAt: MADE_AT }],
  },
  PushOffer: {
    ...open(
      {
        kinds: list(pushKind),
        vapidPublicKey: {
          type: "string",
          description: "for `webpush`: the `applicationServerKey`, base64url",
        },
      },
      ["kinds"],
    ),
    examples: [{ kinds: ["webpush", "fcm"], vapidPublicKey: "BA1Hxzyi1RUM1b5wjxsn7nGxAszw2u61m164i3MrAIxH" }],
  },
  ClientConfig: open(
    {
      ws: list({ type: "string", format: "uri" }),
      version: { type: "string", description: "the version of the api" },
    },
    ["ws", "version"],
  ),
};
