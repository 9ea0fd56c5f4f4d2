import type { FastifyInstance } from "fastify";
import { systemClock } from "@jichat/protocol/clock.ts";
import { ChatError } from "@jichat/protocol/errors.ts";
import type { CredentialParts } from "../credentials.ts";
import { changePassword, signIn } from "../credentials.ts";
import type { TokenCheckParts } from "../request.ts";
import { identityOf, requireToken, spend } from "../request.ts";
import { bodyOf, queryOf, readIdOf, readName, readPassword, readUsersQuery, usersLimit } from "../readers.ts";
import * as schemas from "../schemas.ts";
import type { SignInLimitParts } from "../sign-in-limits.ts";
import { SignInLimits } from "../sign-in-limits.ts";
import type { Accounts } from "@jichat/identity/accounts.ts";
import type { People } from "@jichat/identity/people.ts";
import type { Revocations } from "@jichat/identity/revocations.ts";
import type { UserNames } from "@jichat/identity/user-names.ts";
import type { Telemetry } from "@jichat/runtime/telemetry.ts";
import type { TokenBuckets } from "@jichat/runtime/token-bucket.ts";
import type { Config } from "../config.ts";
import type { NameIndex } from "../name-index.ts";
import type { UserIndex } from "../user-index.ts";

const SWEEP_MS = 10_000;
const credentials = { user: schemas.id, password: schemas.password };
const newUser = { ...credentials, name: schemas.name };
const newName = { name: schemas.name };
const newPassword = { old: schemas.password, new: schemas.password };
const usersQuery = { q: schemas.id, limit: usersLimit, next: schemas.id };

export interface AccountParts extends CredentialParts, SignInLimitParts {
  readonly config: SignInLimitParts["config"] & Pick<Config, "signingKeyFile">;
  readonly accounts: Pick<Accounts, "create" | "get" | "update">;
  readonly userNames: Pick<UserNames, "claim">;
  readonly people: Pick<People, "add">;
  readonly index: Pick<UserIndex, "add">;
  readonly nameIndex: Pick<NameIndex, "rename">;
  readonly telemetry: Pick<Telemetry, "log">;
}

export interface ProfileParts extends CredentialParts, TokenCheckParts {
  readonly revocations: CredentialParts["revocations"] & Pick<Revocations, "revokeToken">;
  /** Tries of the own password in a password change, by user. */
  readonly userBuckets: TokenBuckets;
  readonly nameIndex: Pick<NameIndex, "rename">;
  readonly telemetry: Pick<Telemetry, "log">;
}

export interface UserParts extends TokenCheckParts {
  readonly accounts: Pick<Accounts, "get">;
  readonly index: Pick<UserIndex, "add" | "find">;
}

const credentialsOf = (body: Readonly<Record<string, unknown>>) => ({
  user: readIdOf(body, "user"),
  password: readPassword(body, "password"),
});

/**
 * Routes for sign-up and sign-in. There is no token yet, so limits are by address, and by user against
 * guessing.
 */
export async function openAccountRoutes(app: FastifyInstance, parts: AccountParts): Promise<void> {
  const { accounts, passwords, index, config } = parts;
  const limits = await SignInLimits.open(app, parts);
  const sweeping = setInterval(() => {
    limits.sweep(systemClock.monotonic());
  }, SWEEP_MS);
  app.addHook("onClose", async () => {
    clearInterval(sweeping);
  });

  app.post(
    "/v1/users",
    {
      schema: {
        summary: "Registers a user",
        body: schemas.request(newUser, ["user", "password"]),
        response: { 201: schemas.reply(schemas.profile, ["user"]), "4xx": schemas.error },
      },
    },
    async (request, reply) => {
      const body = bodyOf(request, newUser);
      const { user, password } = credentialsOf(body);
      const name = body["name"] === undefined ? undefined : readName(body);
      await limits.address(request, "sign-ups");
      if (config.signingKeyFile === undefined)
        throw new ChatError("FORBIDDEN", "accounts of another system are used here: sign up there");
      if ((await accounts.get(user)) !== undefined)
        throw new ChatError("CONFLICT", "this user name is taken");
      const hashed = await passwords.hash(password);
      await parts.userNames.claim(user);
      await accounts.create(user, {
        v: 1,
        createdAt: parts.clock.now(),
        password: hashed,
        ...(name === undefined ? {} : { name }),
      });
      await index.add(user).catch((error: unknown) => {
        parts.telemetry.log.warn({ err: error }, "a new user is not in the search index yet");
      });
      if (name !== undefined) await nameInIndex(parts, user, undefined, name);
      await parts.people.add(user).catch((error: unknown) => {
        parts.telemetry.log.warn({ err: error }, "a new user is written to the people who exist later");
      });
      return reply.code(201).send({ user, ...(name === undefined ? {} : { name }) });
    },
  );

  app.post(
    "/v1/sessions",
    {
      schema: {
        summary: "Signs in",
        body: schemas.request(credentials, ["user", "password"]),
        response: { 201: schemas.reply(schemas.token, ["token", "expiresAt"]), "4xx": schemas.error },
      },
    },
    async (request, reply) => {
      const { user, password } = credentialsOf(bodyOf(request, credentials));
      const token = await limits.try(request, user, async () => signIn(parts, user, password));
      if (token === undefined) throw new ChatError("UNAUTHENTICATED", "no such user with this password");
      return reply.code(201).send(token);
    },
  );
}

/** Best effort: the account has the name, and a name that the search lacks costs nobody anything else. */
async function nameInIndex(
  { nameIndex, telemetry }: Pick<ProfileParts, "nameIndex" | "telemetry">,
  user: string,
  before: string | undefined,
  name: string,
): Promise<void> {
  await nameIndex.rename(user, before, name).catch((error: unknown) => {
    telemetry.log.warn({ err: error }, "a new name is not in the search index yet");
  });
}

async function profileOf(
  { accounts }: Pick<UserParts, "accounts">,
  user: string,
): Promise<{ user: string; name?: string }> {
  const found = await accounts.get(user);
  if (found === undefined) throw new ChatError("NOT_FOUND", "no such user");
  const { name } = found.account;
  return { user, ...(name === undefined ? {} : { name }) };
}

/** Routes for the caller's own session, profile and password. */
export async function openProfileRoutes(app: FastifyInstance, parts: ProfileParts): Promise<void> {
  const { accounts, revocations } = parts;
  requireToken(app, parts);

  app.delete(
    "/v1/sessions",
    {
      schema: {
        summary: "Signs out: this token and its tickets are void",
        response: { 200: schemas.reply({}), "4xx": schemas.error },
      },
    },
    async (request) => {
      await revocations.revokeToken(identityOf(request));
      return {};
    },
  );

  app.get(
    "/v1/me",
    {
      schema: {
        summary: "One's own profile",
        response: { 200: schemas.reply(schemas.profile, ["user"]), "4xx": schemas.error },
      },
    },
    async (request) => profileOf(parts, identityOf(request).user),
  );

  app.patch(
    "/v1/me",
    {
      schema: {
        summary: "Changes one's name",
        body: schemas.request(newName, ["name"]),
        response: { 200: schemas.reply(schemas.profile, ["user"]), "4xx": schemas.error },
      },
    },
    async (request) => {
      const { user } = identityOf(request);
      const name = readName(bodyOf(request, newName));
      let before: string | undefined;
      await accounts.update(user, (account) => {
        before = account.name;
        return { ...account, name };
      });
      await nameInIndex(parts, user, before, name);
      return { user, name };
    },
  );

  app.put(
    "/v1/me/password",
    {
      schema: {
        summary: "Changes one's password; every token from before is void, and a new one is returned",
        body: schemas.request(newPassword, ["old", "new"]),
        response: { 200: schemas.reply(schemas.token, ["token", "expiresAt"]), "4xx": schemas.error },
      },
    },
    async (request) => {
      const { user } = identityOf(request);
      const body = bodyOf(request, newPassword);
      const [old, wanted] = [readPassword(body, "old"), readPassword(body, "new")];
      spend(parts.userBuckets, user, "tries of a password");
      return changePassword(parts, user, old, wanted);
    },
  );
}

/** Routes for other users: one by id, or a search by prefix of the id. */
export async function openUserRoutes(app: FastifyInstance, parts: UserParts): Promise<void> {
  requireToken(app, parts);

  app.get(
    "/v1/users/:user",
    {
      schema: {
        summary: "A user's profile",
        params: schemas.object({ user: schemas.id }, ["user"]),
        response: { 200: schemas.reply(schemas.profile, ["user"]), "4xx": schemas.error },
      },
    },
    async (request) => profileOf(parts, readIdOf(request.params, "user")),
  );

  app.get(
    "/v1/users",
    {
      schema: {
        summary: "Users whose id begins with `q`, whatever its case",
        querystring: schemas.object(usersQuery, ["q"]),
        response: {
          200: schemas.reply(
            { items: { type: "array", items: schemas.object(schemas.profile, ["user"]) }, next: schemas.id },
            ["items"],
          ),
          "4xx": schemas.error,
        },
      },
    },
    async (request) => {
      const { q, limit, next } = readUsersQuery(queryOf(request, usersQuery));
      const users = await parts.index.find(q, next, limit);
      const items = await Promise.all(users.map((user) => profileOf(parts, user)));
      const last = users.at(-1);
      return { items, ...(users.length === limit && last !== undefined ? { next: last } : {}) };
    },
  );
}
