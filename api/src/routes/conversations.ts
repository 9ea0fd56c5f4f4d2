import type { FastifyInstance } from "fastify";
import { parsedBodies } from "@jichat/protocol/frame/codec.ts";
import * as limits from "@jichat/protocol/limits.ts";
import type { TokenCheckParts } from "../request.ts";
import { identityOf, requireToken, sourceOf } from "../request.ts";
import { MEMBERS_LIMIT_MAX, queryOf, readIdOf, readMembersQuery, readPull, readSync } from "../readers.ts";
import * as schemas from "../schemas.ts";
import type { Edge } from "@jichat/edge/edge.ts";

export interface ConversationParts extends TokenCheckParts {
  readonly syncs: Pick<Edge["syncs"], "page">;
}

export interface MessageParts extends TokenCheckParts {
  readonly past: Pick<Edge["past"], "members" | "page">;
}

const inConversation = schemas.object({ conversation: schemas.id }, ["conversation"]);
const cursor = { type: "string", maxLength: 4_096 } as const;
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
const membersQuery = {
  after: schemas.id,
  limit: { type: "integer", minimum: 1, maximum: MEMBERS_LIMIT_MAX, default: MEMBERS_LIMIT_MAX },
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
/** The route for the caller's list of conversations. */
export async function openConversationRoutes(app: FastifyInstance, parts: ConversationParts): Promise<void> {
  const { syncs } = parts;
  requireToken(app, parts);

  app.get(
    "/v1/conversations",
    {
      schema: {
        summary: "The caller's conversations, most recently active first; with `since` those that changed",
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

/** Routes for the content of one conversation: members and events. */
export async function openMessageRoutes(app: FastifyInstance, parts: MessageParts): Promise<void> {
  const { past } = parts;
  requireToken(app, parts);

  app.get(
    "/v1/conversations/:conversation/members",
    {
      schema: {
        summary: "The members of a conversation, ordered by id; `next` if there are more",
        params: inConversation,
        querystring: schemas.object(membersQuery),
        response: {
          200: schemas.reply(
            {
              items: {
                type: "array",
                items: schemas.object({ user: schemas.id, first: schemas.seq }, ["user", "first"]),
              },
              next: schemas.id,
            },
            ["items"],
          ),
          "4xx": schemas.error,
        },
      },
    },
    async (request) => {
      const conversation = readIdOf(request.params, "conversation");
      const page = readMembersQuery(queryOf(request, membersQuery));
      const { members, next } = await past.members(sourceOf(request, conversation), {
        conversation,
        ...page,
      });
      return { items: members, next };
    },
  );

  app.get(
    "/v1/conversations/:conversation/events",
    {
      schema: {
        summary: "Events after `after`, before `before`, or the newest ones",
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
}
