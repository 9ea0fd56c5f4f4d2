import type { FastifyInstance } from "fastify";
import type { Accounts } from "@jichat/identity/accounts.ts";
import { foldedName } from "@jichat/protocol/folded-name.ts";
import type { NameIndex } from "../name-index.ts";
import { queryOf } from "../readers.ts";
import { PEOPLE_MAX, peopleLimit, readPeople, readPeopleSearch } from "../readers-of-people.ts";
import type { Profile } from "../profiles.ts";
import { findProfile } from "../profiles.ts";
import type { TokenCheckParts } from "../request.ts";
import { requireToken } from "../request.ts";
import * as schemas from "../schemas.ts";
import type { UserIndex } from "../user-index.ts";

export interface PeopleParts extends TokenCheckParts {
  readonly accounts: Pick<Accounts, "get">;
  readonly index: Pick<UserIndex, "add" | "find">;
  readonly nameIndex: Pick<NameIndex, "find">;
}

const peopleQuery = {
  users: {
    type: "string",
    pattern: "^[A-Za-z0-9_-]{1,64}(,[A-Za-z0-9_-]{1,64})*$",
    description: `at most ${PEOPLE_MAX} users, with commas between them`,
  },
} as const;
const searchQuery = { q: schemas.name, limit: peopleLimit };
const answer = { 200: schemas.reply("ProfilePage", "The profiles") };

/** Routes for people as others know them: names of several users at once, and a search by name or id. */
export async function openPeopleRoutes(app: FastifyInstance, parts: PeopleParts): Promise<void> {
  requireToken(app, parts);
  const profilesOf = async (users: readonly string[]): Promise<readonly Profile[]> => {
    const profiles = await Promise.all(users.map((user) => findProfile(parts.accounts, user)));
    return profiles.filter((profile) => profile !== undefined);
  };

  app.get(
    "/v1/people",
    {
      schema: {
        operationId: "listPeople",
        tags: ["users"],
        summary: "The profiles of several users",
        description: "Users who do not exist are left out.",
        querystring: schemas.object(peopleQuery, ["users"]),
        response: answer,
      },
    },
    async (request) => ({ items: await profilesOf(readPeople(queryOf(request, peopleQuery))) }),
  );

  app.get(
    "/v1/people/search",
    {
      schema: {
        operationId: "searchPeople",
        tags: ["users"],
        summary: "Users by id or name",
        description:
          "Users whose id, or a word of whose name, begins with `q`, whatever its case or accents. Deleted accounts " +
          "are not found.",
        querystring: schemas.object(searchQuery, ["q"]),
        response: answer,
      },
    },
    async (request) => {
      const { q, limit } = readPeopleSearch(queryOf(request, searchQuery));
      const isId = /^[A-Za-z0-9_-]{1,64}$/.test(q);
      const [byId, byName] = await Promise.all([
        isId ? parts.index.find(q, undefined, limit) : Promise.resolve<string[]>([]),
        parts.nameIndex.find(q, limit),
      ]);
      const profiles = await profilesOf([...new Set([...byId, ...byName])].slice(0, limit));
      // The index may still have a name that its user has changed.
      const items = profiles.filter(
        ({ user, name = "", deleted }) => deleted !== true && (byId.includes(user) || isNamed(name, q)),
      );
      return { items };
    },
  );
}

const isNamed = (name: string, q: string): boolean => foldedName(name).includes(foldedName(q));
