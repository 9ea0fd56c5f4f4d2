import type { FastifyInstance } from "fastify";
import type { Accounts } from "@jichat/identity/accounts.ts";
import { profileOf } from "../profiles.ts";
import type { TokenCheckParts } from "../request.ts";
import { requireToken } from "../request.ts";
import { queryOf, readIdOf, readUsersQuery, usersLimit } from "../readers.ts";
import * as schemas from "../schemas.ts";
import type { UserIndex } from "../user-index.ts";

const usersQuery = {
  q: { ...schemas.id, description: "how the id begins, whatever its case" },
  limit: usersLimit,
  next: { ...schemas.id, description: "the `next` of an answer to the same `q`" },
};

export interface UserParts extends TokenCheckParts {
  readonly accounts: Pick<Accounts, "get">;
  readonly index: Pick<UserIndex, "add" | "find">;
}

/** Routes for other users: one by id, or a search by prefix of the id. */
export async function openUserRoutes(app: FastifyInstance, parts: UserParts): Promise<void> {
  requireToken(app, parts);

  app.get(
    "/v1/users/:user",
    {
      config: { refuses: ["target"] },
      schema: {
        operationId: "getProfile",
        tags: ["users"],
        summary: "A user's profile",
        description:
          "Of a deleted account it says `deleted`: messages in old conversations are still from it.",
        params: schemas.object({ user: schemas.id }, ["user"]),
        response: { 200: schemas.reply("Profile", "The profile") },
      },
    },
    async (request) => profileOf(parts.accounts, readIdOf(request.params, "user")),
  );

  app.get(
    "/v1/users",
    {
      schema: {
        operationId: "findUsers",
        tags: ["users"],
        summary: "Users whose id begins with `q`",
        description: "Whatever its case. Deleted accounts are not found. A page may be shorter than `limit`.",
        querystring: schemas.object(usersQuery, ["q"]),
        response: { 200: schemas.reply("ProfilePage", "A page of profiles") },
      },
    },
    async (request) => {
      const { q, limit, next } = readUsersQuery(queryOf(request, usersQuery));
      const users = await parts.index.find(q, next, limit);
      const profiles = await Promise.all(users.map((user) => profileOf(parts.accounts, user)));
      // The index is a cache, and may still have a deleted account.
      const items = profiles.filter(({ deleted }) => deleted !== true);
      const last = users.at(-1);
      return { items, ...(users.length === limit && last !== undefined ? { next: last } : {}) };
    },
  );
}
