import { randomBytes } from "node:crypto";
import type { FastifyInstance, FastifyRequest } from "fastify";
import { chargeMembers } from "@jichat/identity/people-config.ts";
import { errorOf } from "@jichat/protocol/bus/command.ts";
import { systemClock } from "@jichat/protocol/clock.ts";
import { parsedBodies } from "@jichat/protocol/frame/codec.ts";
import { groupConversation } from "@jichat/protocol/ids.ts";
import * as limits from "@jichat/protocol/limits.ts";
import { traceparentOf } from "@jichat/runtime/telemetry.ts";
import type { TokenCheckParts } from "../request.ts";
import { identityOf, requireToken } from "../request.ts";
import { bodyOf, queryOf, readAs, readIdOf, readPull, readSync } from "../readers.ts";
import * as schemas from "../schemas.ts";
import type { Edge } from "@jichat/edge/edge.ts";
import type { Existence } from "@jichat/identity/existence.ts";
import type { TokenBuckets } from "@jichat/runtime/token-bucket.ts";

export interface ConversationParts extends TokenCheckParts {
  readonly lanes: Pick<Edge["lanes"], "require">;
  readonly syncs: Pick<Edge["syncs"], "page">;
  /** Absent where names of nobody are taken. */
  readonly existence: Pick<Existence, "require"> | undefined;
  /** Members that a user may name, by user. */
  readonly memberBuckets: TokenBuckets;
}

export interface MessageParts extends TokenCheckParts {
  readonly lanes: Pick<Edge["lanes"], "require">;
  readonly past: Pick<Edge["past"], "members" | "page">;
}

const inConversation = schemas.object({ conversation: schemas.id }, ["conversation"]);
const cursor = { type: "string", maxLength: 4_096 } as const;
const newGroup = {
  id: schemas.clientId,
  kind: { const: "group" },
  name: schemas.name,
  members: { type: "array", items: schemas.id, maxItems: limits.USERS_PER_FRAME_MAX },
};
const syncQuery = {
  since: cursor,
  page: cursor,
  limit: {
    type: "integer",
    minimum: 1,
    maximum: limits.SYNC_LIMIT_MAX,
    default: limits.SYNC_LIMIT_DEFAULT,
  },
};
const pageQuery = {
  after: schemas.seq,
  before: schemas.seq,
  limit: {
    type: "integer",
    minimum: 1,
    maximum: limits.PAGE_EVENTS_MAX,
    default: limits.PAGE_EVENTS_DEFAULT,
  },
};
const newMessage = {
  id: schemas.clientId,
  body: schemas.body,
  replyTo: { ...schemas.seq, minimum: 1 },
  mentions: { type: "array", items: schemas.id, maxItems: limits.USERS_PER_FRAME_MAX },
};

/** A request is its own session: nothing of it waits for an earlier one. */
const sourceOf = (request: FastifyRequest, conversation: string) => ({
  conversation,
  user: identityOf(request).user,
  device: "api",
  session: `api-${randomBytes(9).toString("base64url")}`,
  trace: traceparentOf(request.jichatTrace?.span),
});

/** One's conversations, and new ones: what the socket does, one request at a time, for bots and back ends. */
export async function openConversationRoutes(app: FastifyInstance, parts: ConversationParts): Promise<void> {
  const { lanes, syncs } = parts;
  requireToken(app, parts);

  app.post(
    "/v1/conversations",
    {
      schema: {
        summary: "Creates a group",
        body: schemas.request(newGroup, ["id", "kind", "name", "members"]),
        response: {
          201: schemas.reply({ conversation: schemas.id, seq: schemas.seq, ts: { type: "integer" } }, [
            "conversation",
          ]),
          "4xx": schemas.error,
        },
      },
    },
    async (request, reply) => {
      const { user } = identityOf(request);
      const { id, name, members } = readAs("create", bodyOf(request, newGroup));
      const tooMany = chargeMembers(parts.memberBuckets, user, members.length, systemClock.monotonic());
      if (tooMany !== undefined) throw errorOf(tooMany);
      await parts.existence?.require(members);
      const conversation = groupConversation(user, id);
      const answer = await lanes.require({
        ...sourceOf(request, conversation),
        op: "create",
        id,
        name,
        members,
      });
      return reply.code(201).send({ conversation, ...answer });
    },
  );

  app.get(
    "/v1/conversations",
    {
      schema: {
        summary: "One's conversations, most recently active first; with `since` those that changed",
        querystring: schemas.object(syncQuery),
        response: {
          200: schemas.reply(
            {
              items: { type: "array", items: schemas.conversation },
              cursor,
              more: { type: "boolean" },
              next: cursor,
              reset: schemas.reset,
            },
            ["items", "cursor", "more"],
          ),
          "4xx": schemas.error,
        },
      },
    },
    async (request) => {
      const sync = readSync(queryOf(request, syncQuery));
      const { conversations, ...rest } = await syncs.page(identityOf(request).user, sync);
      return { items: parsedBodies(conversations), ...rest };
    },
  );
}

/** What is in one conversation: who, what was said, and something new to say. */
export async function openMessageRoutes(app: FastifyInstance, parts: MessageParts): Promise<void> {
  const { lanes, past } = parts;
  requireToken(app, parts);

  app.get(
    "/v1/conversations/:conversation/members",
    {
      schema: {
        summary: "Who is in a conversation",
        params: inConversation,
        response: {
          200: schemas.reply(
            {
              items: {
                type: "array",
                items: schemas.object({ user: schemas.id, first: schemas.seq }, ["user", "first"]),
              },
            },
            ["items"],
          ),
          "4xx": schemas.error,
        },
      },
    },
    async (request) => {
      const conversation = readIdOf(request.params, "conversation");
      const { members } = await past.members(sourceOf(request, conversation), conversation);
      return { items: members };
    },
  );

  app.get(
    "/v1/conversations/:conversation/events",
    {
      schema: {
        summary: "Events behind `after`, before `before`, or the newest",
        params: inConversation,
        querystring: { ...schemas.object(pageQuery), not: { required: ["after", "before"] } },
        response: {
          200: schemas.reply(
            {
              conversation: schemas.id,
              events: { type: "array", items: schemas.event },
              first: schemas.seq,
              head: schemas.seq,
              more: { type: "boolean" },
            },
            ["conversation", "events", "first", "head", "more"],
          ),
          "4xx": schemas.error,
        },
      },
    },
    async (request) => {
      const pull = readPull(readIdOf(request.params, "conversation"), queryOf(request, pageQuery));
      const { conversation } = pull;
      const { user, device, session } = sourceOf(request, conversation);
      const { events, ...rest } = await past.page({ user, device, session }, pull);
      return { conversation, events: parsedBodies(events), ...rest };
    },
  );

  app.post(
    "/v1/conversations/:conversation/messages",
    {
      schema: {
        summary: "Sends a message",
        params: inConversation,
        body: schemas.request(newMessage, ["id", "body"]),
        response: {
          201: schemas.reply(
            {
              conversation: schemas.id,
              seq: schemas.seq,
              ts: { type: "integer" },
              duplicate: { type: "boolean" },
            },
            ["conversation", "seq", "ts"],
          ),
          "4xx": schemas.error,
        },
      },
    },
    async (request, reply) => {
      const conversation = readIdOf(request.params, "conversation");
      const { id, body, replyTo, mentions } = readAs("send", {
        ...bodyOf(request, newMessage),
        conversation,
      });
      const answer = await lanes.require({
        ...sourceOf(request, conversation),
        op: "send",
        id,
        body,
        replyTo,
        mentions,
      });
      return reply.code(201).send({ conversation, ...answer });
    },
  );
}
