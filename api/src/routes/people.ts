import type { FastifyInstance } from "fastify";
import type { Accounts } from "@jichat/identity/accounts.ts";
import { foldedName } from "@jichat/protocol/folded-name.ts";
import type { NameIndex } from "../name-index.ts";
import { queryOf } from "../readers.ts";
import { PEOPLE_MAX, peopleLimit, readPeople, readPeopleSearch } from "../readers-of-people.ts";
import type { TokenCheckParts } from "../request.ts";
import { requireToken } from "../request.ts";
import * as schemas from "../schemas.ts";
import type { UserIndex } from "../user-index.ts";

export interface PeopleParts extends TokenCheckParts {
  readonly accounts: Pick<Accounts, "get">;
  readonly index: Pick<UserIndex, "add" | "find">;
  readonly nameIndex: Pick<NameIndex, "find">;
}

interface Profile {
  readonly user: string;
  readonly name?: string;
}

const peopleQuery = {
  users: {
    type: "string",
    pattern: "^[A-Za-z0-9_-]{1,64}(,[A-Za-z0-9_-]{1,64})*$",
    description: `at most ${PEOPLE_MAX} users, with commas between them`,
  },
} as const;
const searchQuery = { q: schemas.name, limit: peopleLimit };
const answer = {
  200: schemas.reply({ items: { type: "array", items: schemas.object(schemas.profile, ["user"]) } }, [
    "items",
  ]),
  "4xx": schemas.error,
};

/** Routes for people as others know them: names of several users at once, and a search by name or id. */
export async function openPeopleRoutes(app: FastifyInstance, parts: PeopleParts): Promise<void> {
  requireToken(app, parts);
  const profilesOf = async (users: readonly string[]): Promise<readonly Profile[]> => {
    const profiles = await Promise.all(
      users.map(async (user) => {
        const found = await parts.accounts.get(user);
        if (found === undefined) return [];
        const { name } = found.account;
        return [{ user, ...(name === undefined ? {} : { name }) }];
      }),
    );
    return profiles.flat();
  };

  app.get(
    "/v1/people",
    {
      schema: {
        summary: "The profiles of `users`; those who do not exist are left out",
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
        summary: "Users whose id, or a word of whose name, begins with `q`, whatever its case or accents",
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
      const items = profiles.filter(({ user, name = "" }) => byId.includes(user) || isNamed(name, q));
      return { items };
    },
  );
}

const isNamed = (name: string, q: string): boolean => foldedName(name).includes(foldedName(q));
