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
const syncQuery = {
  since: { ...schemas.cursor, description: "the `cursor` of an earlier answer: what changed since then" },
  page: { ...schemas.cursor, description: "the `next` of the answer before" },
  limit: schemas.limit(limits.SYNC_LIMIT_MAX, limits.SYNC_LIMIT_DEFAULT),
};
const membersQuery = {
  after: { ...schemas.id, description: "the `next` of the answer before" },
  limit: schemas.limit(MEMBERS_LIMIT_MAX, MEMBERS_LIMIT_MAX),
};
const pageQuery = {
  after: { ...schemas.seq, description: "the events behind this one; not together with `before`" },
  before: { ...schemas.seq, description: "the events in front of this one; not together with `after`" },
  limit: schemas.limit(limits.PAGE_EVENTS_MAX, limits.PAGE_EVENTS_DEFAULT),
};

/** The route for the caller's list of conversations. */
export async function openConversationRoutes(app: FastifyInstance, parts: ConversationParts): Promise<void> {
  const { syncs } = parts;
  requireToken(app, parts);

  app.get(
    "/v1/conversations",
    {
      schema: {
        operationId: "listConversations",
        tags: ["conversations"],
        summary: "The caller's conversations",
        description:
          "Most recently active first. With `since`, only those that changed, and those that the caller left.",
        querystring: schemas.object(syncQuery),
        response: { 200: schemas.reply("ConversationPage", "A page of conversations") },
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
      config: { refuses: ["target"] },
      schema: {
        operationId: "listMembers",
        tags: ["members"],
        summary: "Who is in a conversation",
        description:
          "In the order of their ids. `next` says where to go on if there are more. `creator` made the conversation, and " +
          "may remove members of a group while it is a member.",
        params: inConversation,
        querystring: schemas.object(membersQuery),
        response: { 200: schemas.reply("MemberPage", "A page of members") },
      },
    },
    async (request) => {
      const conversation = readIdOf(request.params, "conversation");
      const page = readMembersQuery(queryOf(request, membersQuery));
      const { members, ...rest } = await past.members(sourceOf(request, conversation), {
        conversation,
        ...page,
      });
      return { items: members, ...rest };
    },
  );

  app.get(
    "/v1/conversations/:conversation/events",
    {
      config: { refuses: ["target"] },
      schema: {
        operationId: "listEvents",
        tags: ["messages"],
        summary: "Events of a conversation",
        description: "Behind `after`, before `before`, or the newest; always in rising `seq`.",
        params: inConversation,
        querystring: { ...schemas.object(pageQuery), not: { required: ["after", "before"] } },
        response: { 200: schemas.reply("EventPage", "A page of events") },
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
