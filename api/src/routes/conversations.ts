import { randomBytes } from "node:crypto";
import type { FastifyInstance, FastifyRequest } from "fastify";
import { readBody } from "@jichat/protocol/frame/body.ts";
import { parsedBodies } from "@jichat/protocol/frame/codec.ts";
import { groupConversation } from "@jichat/protocol/ids.ts";
import * as limits from "@jichat/protocol/limits.ts";
import { traceparentOf } from "@jichat/runtime/telemetry.ts";
import { identityOf, requireToken } from "../request.ts";
import * as schemas from "../schemas.ts";
import type { World } from "../world.ts";

interface PageQuery {
  readonly after?: number;
  readonly before?: number;
  readonly limit: number;
}
interface SyncQuery {
  readonly since?: string;
  readonly page?: string;
  readonly limit: number;
}
interface NewGroup {
  readonly id: string;
  readonly name: string;
  readonly members: readonly string[];
}
interface NewMessage {
  readonly id: string;
  readonly body: object;
  readonly replyTo?: number;
  readonly mentions?: readonly string[];
}

const inConversation = schemas.object({ conversation: schemas.id }, ["conversation"]);
const cursor = { type: "string", maxLength: 4_096 } as const;

/** A request is its own session: nothing of it waits for an earlier one. */
const sourceOf = (request: FastifyRequest, conversation: string) => ({
  conversation,
  user: identityOf(request).user,
  device: "api",
  session: `api-${randomBytes(9).toString("base64url")}`,
  trace: traceparentOf(request.jichatTrace?.span),
});

/** One's conversations, and new ones: what the socket does, one request at a time, for bots and back ends. */
export async function openConversationRoutes(app: FastifyInstance, world: World): Promise<void> {
  const { lanes, syncs } = world;
  requireToken(app, world);

  app.post<{ Body: NewGroup }>(
    "/v1/conversations",
    {
      schema: {
        summary: "Creates a group",
        body: schemas.object(
          {
            id: schemas.clientId,
            kind: { const: "group" },
            name: schemas.name,
            members: { type: "array", items: schemas.id, maxItems: limits.USERS_PER_FRAME_MAX },
          },
          ["id", "kind", "name", "members"],
        ),
        response: {
          201: schemas.reply({ conversation: schemas.id, seq: schemas.seq, ts: { type: "integer" } }, [
            "conversation",
          ]),
          "4xx": schemas.error,
        },
      },
    },
    async (request, reply) => {
      const { id, name, members } = request.body;
      const conversation = groupConversation(identityOf(request).user, id);
      const answer = await lanes.require({
        ...sourceOf(request, conversation),
        op: "create",
        id,
        name,
        members: [...new Set(members)],
      });
      return reply.code(201).send({ conversation, ...answer });
    },
  );

  app.get<{ Querystring: SyncQuery }>(
    "/v1/conversations",
    {
      schema: {
        summary: "One's conversations, most recently active first; with `since` those that changed",
        querystring: schemas.object({
          since: cursor,
          page: cursor,
          limit: {
            type: "integer",
            minimum: 1,
            maximum: limits.SYNC_LIMIT_MAX,
            default: limits.SYNC_LIMIT_DEFAULT,
          },
        }),
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
      const { conversations, ...rest } = await syncs.page(identityOf(request).user, request.query);
      return { items: parsedBodies(conversations), ...rest };
    },
  );
}

/** What is in one conversation: who, what was said, and something new to say. */
export async function openMessageRoutes(app: FastifyInstance, world: World): Promise<void> {
  const { lanes, past } = world;
  requireToken(app, world);

  app.get<{ Params: { conversation: string } }>(
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
      const { members } = await past.members(
        sourceOf(request, request.params.conversation),
        request.params.conversation,
      );
      return { items: members };
    },
  );

  app.get<{ Params: { conversation: string }; Querystring: PageQuery }>(
    "/v1/conversations/:conversation/events",
    {
      schema: {
        summary: "Events behind `after`, before `before`, or the newest",
        params: inConversation,
        querystring: {
          ...schemas.object({
            after: schemas.seq,
            before: schemas.seq,
            limit: {
              type: "integer",
              minimum: 1,
              maximum: limits.PAGE_EVENTS_MAX,
              default: limits.PAGE_EVENTS_DEFAULT,
            },
          }),
          not: { required: ["after", "before"] },
        },
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
      const { conversation } = request.params;
      const { user, device, session } = sourceOf(request, conversation);
      const { events, ...rest } = await past.page(
        { user, device, session },
        { conversation, ...request.query },
      );
      return { conversation, events: parsedBodies(events), ...rest };
    },
  );

  app.post<{ Params: { conversation: string }; Body: NewMessage }>(
    "/v1/conversations/:conversation/messages",
    {
      schema: {
        summary: "Sends a message",
        params: inConversation,
        body: schemas.object(
          {
            id: schemas.clientId,
            body: schemas.body,
            replyTo: { ...schemas.seq, minimum: 1 },
            mentions: { type: "array", items: schemas.id, maxItems: limits.USERS_PER_FRAME_MAX },
          },
          ["id", "body"],
        ),
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
      const { conversation } = request.params;
      const { id, body, replyTo, mentions } = request.body;
      const answer = await lanes.require({
        ...sourceOf(request, conversation),
        op: "send",
        id,
        body: readBody(body, limits.BODY_BYTES_MAX),
        replyTo,
        mentions,
      });
      return reply.code(201).send({ conversation, ...answer });
    },
  );
}
