import type { FastifyInstance } from "fastify";
import { systemClock } from "@jichat/protocol/clock.ts";
import { ChatError } from "@jichat/protocol/errors.ts";
import type { AccountDeletion } from "../account-deletion.ts";
import type { CredentialParts, EndOlder } from "../credentials.ts";
import { changePassword, signIn } from "../credentials.ts";
import { profileOf } from "../profiles.ts";
import type { PushEndings } from "../push-endings.ts";
import type { TokenCheckParts } from "../request.ts";
import { identityOf, requireToken, spend } from "../request.ts";
import { bodyOf, readIdOf, readName, readPassword } from "../readers.ts";
import * as schemas from "../schemas.ts";
import type { SignInLimitParts } from "../sign-in-limits.ts";
import { SignInLimits } from "../sign-in-limits.ts";
import type { Accounts } from "@jichat/identity/accounts.ts";
import type { People } from "@jichat/identity/people.ts";
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
const ownPassword = { password: schemas.password };
const PASSWORD = "correct horse battery staple";

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
  readonly deletion: Pick<AccountDeletion, "delete">;
  readonly pushes: Pick<PushEndings, "withOldTokens">;
  /** Tries of the own password, by user. */
  readonly userBuckets: TokenBuckets;
  readonly nameIndex: Pick<NameIndex, "rename">;
  readonly telemetry: Pick<Telemetry, "log">;
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
      config: { refuses: ["limited", "rights", "change"] },
      schema: {
        operationId: "signUp",
        tags: ["accounts"],
        summary: "Registers a user",
        description:
          "Needs no token. An id is taken in every spelling of its case, and that of a deleted account for ever.",
        security: [],
        body: schemas.request(newUser, ["user", "password"], {
          user: "alice",
          password: PASSWORD,
          name: "Alice B.",
        }),
        response: { 201: schemas.reply("Profile", "The new user") },
      },
    },
    async (request, reply) => {
      const body = bodyOf(request, newUser);
      const { user, password } = credentialsOf(body);
      const name = body["name"] === undefined ? undefined : readName(body);
      await limits.address(request, "sign-ups");
      if (config.signingKeyFile === undefined)
        throw new ChatError("FORBIDDEN", "this cluster uses the accounts of another system: sign up there");
      if ((await accounts.get(user)) !== undefined)
        throw new ChatError("CONFLICT", "this user name is taken: choose another");
      const hashed = await passwords.hash(password);
      await parts.userNames.claim(user);
      await accounts.create(user, {
        v: 1,
        createdAt: parts.clock.now(),
        password: hashed,
        ...(name === undefined ? {} : { name }),
      });
      await index.add(user).catch((error: unknown) => {
        parts.telemetry.log.warn(
          { err: error },
          "a new user was not written to the search index: the search finds the user later",
        );
      });
      if (name !== undefined) await nameInIndex(parts, user, undefined, name);
      await parts.people.add(user).catch((error: unknown) => {
        parts.telemetry.log.warn(
          { err: error },
          "a new user was not written to the register of people: it is written later",
        );
      });
      return reply.code(201).send({ user, ...(name === undefined ? {} : { name }) });
    },
  );

  app.post(
    "/v1/sessions",
    {
      config: { refuses: ["limited", "signIn", "target"] },
      schema: {
        operationId: "signIn",
        tags: ["sessions"],
        summary: "Signs in",
        description: "Needs no token. Tries of a password are limited by user and by address.",
        security: [],
        body: schemas.request(credentials, ["user", "password"], { user: "alice", password: PASSWORD }),
        response: { 201: schemas.reply("Token", "A new token") },
      },
    },
    async (request, reply) => {
      const { user, password } = credentialsOf(bodyOf(request, credentials));
      const token = await limits.try(request, user, async () => signIn(parts, user, password));
      if (token === undefined) throw new ChatError("UNAUTHENTICATED", "the user or the password is wrong");
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

/** Routes for the caller's own profile, password and account. */
export async function openProfileRoutes(app: FastifyInstance, parts: ProfileParts): Promise<void> {
  const { accounts } = parts;
  requireToken(app, parts);

  app.get(
    "/v1/me",
    {
      config: { refuses: ["target"] },
      schema: {
        operationId: "getOwnProfile",
        tags: ["accounts"],
        summary: "The caller's own profile",
        description: "The user of the token.",
        response: { 200: schemas.reply("Profile", "The caller's own profile") },
      },
    },
    async (request) => profileOf(accounts, identityOf(request).user),
  );

  app.patch(
    "/v1/me",
    {
      config: { refuses: ["target"] },
      schema: {
        operationId: "changeOwnProfile",
        tags: ["accounts"],
        summary: "Changes the caller's name",
        description: "The name that other people see. The user id never changes.",
        body: schemas.request(newName, ["name"], { name: "Alice B." }),
        response: { 200: schemas.reply("Profile", "The changed profile") },
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
      config: { refuses: ["target", "rights", "change"] },
      schema: {
        operationId: "changePassword",
        tags: ["accounts"],
        summary: "Changes the caller's password",
        description:
          "All earlier tokens become invalid, with their tickets and sockets. A new token is returned. Only devices " +
          "that have the token of this request receive pushes on.",
        body: schemas.request(newPassword, ["old", "new"], { old: PASSWORD, new: "staple battery horse" }),
        response: { 200: schemas.reply("Token", "A new token") },
      },
    },
    async (request) => {
      const identity = identityOf(request);
      const body = bodyOf(request, newPassword);
      const passwords = { old: readPassword(body, "old"), wanted: readPassword(body, "new") };
      spend(parts.userBuckets, identity.user, "attempts to enter a password");
      const around: EndOlder = async (end) =>
        parts.pushes.withOldTokens(
          identity,
          end,
          async ({ token }) => (await parts.tokens.verify(token)).tokenId,
        );
      return changePassword(parts, identity.user, passwords, around);
    },
  );

  app.delete(
    "/v1/me",
    {
      config: { level: 1, refuses: ["level", "target", "rights", "change"] },
      schema: {
        operationId: "deleteAccount",
        tags: ["accounts"],
        summary: "Deletes one's account, for good",
        description:
          "All tokens, tickets and sockets end, groups are left, and nobody finds, invites or gets to know the user " +
          "any more. Messages stay, and are shown as from `deleted`. Nobody ever gets the id again. " +
          "Repeat a call that failed: it goes on where it stopped.",
        body: schemas.request(ownPassword, ["password"], { password: PASSWORD }),
        response: { 200: schemas.done("The account is deleted") },
      },
    },
    async (request) => {
      const { user } = identityOf(request);
      const password = readPassword(bodyOf(request, ownPassword), "password");
      spend(parts.userBuckets, user, "tries of a password");
      await parts.deletion.delete(user, password);
      return {};
    },
  );
}
