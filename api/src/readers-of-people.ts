import { ChatError } from "@jichat/protocol/errors.ts";
import { Fields } from "@jichat/protocol/frame/fields.ts";
import * as readers from "@jichat/protocol/frame/readers.ts";
import { limit } from "./schemas.ts";

/** Users in one question for profiles, each of which costs a read of KV. */
export const PEOPLE_MAX = 100;
const FOUND_DEFAULT = 20;

export const peopleLimit = limit(PEOPLE_MAX, FOUND_DEFAULT);

const ID = /^[A-Za-z0-9_-]{1,64}$/;

/** Reads `users`: 1 to `PEOPLE_MAX` ids with commas between them. */
export function readPeople({ users }: Readonly<Record<string, unknown>>): readonly string[] {
  const all = typeof users === "string" ? [...new Set(users.split(","))] : [];
  if (all.length === 0 || all.length > PEOPLE_MAX || !all.every((user) => ID.test(user)))
    throw new ChatError("INVALID", `\`users\` is not 1 to ${PEOPLE_MAX} ids with commas between them`);
  return all;
}

/** Reads a search: `q` is like a name, 1 to 128 code points without controls. */
export function readPeopleSearch(query: Readonly<Record<string, unknown>>): {
  readonly q: string;
  readonly limit: number;
} {
  const fields = new Fields(query);
  return {
    q: readers.readName(fields, "q"),
    limit: fields.optional("limit", (f) => readers.readLimit(f, PEOPLE_MAX)) ?? FOUND_DEFAULT,
  };
}
