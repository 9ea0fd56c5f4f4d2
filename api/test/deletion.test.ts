import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { Accounts } from "@jichat/identity/accounts.ts";
import { Deletions } from "@jichat/identity/deletions.ts";
import { namesOf } from "@jichat/protocol/bus/names.ts";
import { connectNats } from "@jichat/runtime/nats.ts";
import type { Stack } from "@jichat/testkit/local/stack.ts";
import { startThrowaway } from "@jichat/testkit/local/throwaway.ts";
import { until } from "@jichat/testkit/until.ts";
import pino from "pino";
import type { Reply } from "./rest-client.ts";
import { PASSWORD, RestClient } from "./rest-client.ts";

let stack: Stack;
let destroy: () => Promise<void>;
let rest: RestClient;

before(async () => {
  const env = { "*": { PEOPLE_MUST_EXIST: "yes" }, api: { SIGN_INS_PER_SECOND: "1000" } };
  ({ stack, destroy } = await startThrowaway({ env }));
  rest = new RestClient(stack);
});
after(async () => destroy?.());

const codeOf = ({ status, json }: Reply): readonly unknown[] => [status, json["code"]];
const remove = (token: string, password = PASSWORD): Promise<Reply> =>
  rest.call("DELETE", "/v1/me", token, { password });

interface Item {
  readonly user: string;
}
const usersIn = ({ json }: Reply): readonly string[] =>
  (json["items"] as readonly Item[]).map(({ user }) => user);

/** A group of both, with a message of each. */
async function talk(first: string, second: string): Promise<string> {
  const users = await Promise.all([first, second].map((token) => rest.call("GET", "/v1/me", token)));
  const made = await rest.call("POST", "/v1/conversations", first, {
    id: "group",
    kind: "group",
    name: "G",
    members: users.map(({ json }) => json["user"]),
  });
  assert.equal(made.status, 201, JSON.stringify(made.json));
  const path = `/v1/conversations/${String(made.json["conversation"])}`;
  for (const token of [first, second]) {
    const sent = await rest.call("POST", `${path}/messages`, token, { id: "m", body: { text: "hi" } });
    assert.equal(sent.status, 201, JSON.stringify(sent.json));
  }
  return path;
}

test(
  "a deleted account: no way in, found and invited by nobody, its messages stay and its name is never given again",
  { timeout: 180_000 },
  async () => {
    const [gus, hal, ivy] = [await rest.signUp("gus"), await rest.signUp("hal"), await rest.signUp("ivy")];
    const group = await talk(gus, hal);
    const other = await talk(hal, ivy);
    const phone = await rest.greet({ token: gus, device: "phone" });
    const watcher = await rest.greet({ token: ivy, device: "laptop" });
    const halOn = await rest.greet({ token: hal, device: "laptop" });
    const sent = await halOn.ask({ t: "send", id: "s1", to: "gus", body: { text: "between us" } });
    assert.equal(sent.t, "ack");

    assert.deepEqual(codeOf(await remove(gus, "not my password")), [403, "FORBIDDEN"]);
    assert.deepEqual(codeOf(await rest.call("DELETE", "/v1/me", gus, {})), [400, "INVALID"]);
    assert.equal((await rest.call("GET", "/v1/me", gus)).status, 200, "nothing has happened");

    const gone = await remove(gus);
    assert.equal(gone.status, 200, JSON.stringify(gone.json));
    assert.equal(await phone.closed, 4401);
    for (const hello of [{ token: gus }, { ticket: phone.first.ticket }]) {
      const { first, closed } = await rest.greet(hello);
      assert.deepEqual([first.code, await closed], ["UNAUTHENTICATED", 4401]);
    }
    assert.deepEqual(codeOf(await rest.call("GET", "/v1/me", gus)), [401, "UNAUTHENTICATED"]);
    const signIn = await rest.call("POST", "/v1/sessions", undefined, { user: "gus", password: PASSWORD });
    assert.deepEqual(codeOf(signIn), [401, "UNAUTHENTICATED"]);
    for (const user of ["gus", "GUS", "Gus"]) {
      const again = await rest.call("POST", "/v1/users", undefined, { user, password: PASSWORD });
      assert.deepEqual(codeOf(again), [409, "CONFLICT"], user);
    }

    const profile = await rest.call("GET", "/v1/users/gus", hal);
    assert.deepEqual([profile.status, profile.json["name"], profile.json["deleted"]], [200, "deleted", true]);
    assert.deepEqual(usersIn(await rest.call("GET", "/v1/users?q=gus", hal)), []);
    const invited = await rest.call("POST", `${other}/members`, hal, { id: "i", users: ["gus"] });
    assert.deepEqual(codeOf(invited), [404, "NOT_FOUND"]);
    // This connector knew that gus exists.
    const written = await watcher.ask({ t: "send", id: "w1", to: "gus", body: {} });
    assert.deepEqual([written.code, written.message], ["NOT_FOUND", "these users do not exist: gus"]);
    // What is there goes on, as with everybody who does not exist.
    const later = await halOn.ask({ t: "send", id: "s2", to: "gus", body: {} });
    assert.equal(later.t, "ack");

    await until("the group is left", 20_000, async () => {
      const members = usersIn(await rest.call("GET", `${group}/members`, hal));
      return members.length === 1 && members[0] === "hal";
    });
    const { json } = await rest.call("GET", `${group}/events`, hal);
    const events = json["events"] as readonly { kind: string; from: string; users?: readonly string[] }[];
    assert.deepEqual(
      events.map(({ kind, from }) => `${kind} ${from}`),
      ["created gus", "message gus", "message hal", "left gus"],
    );
    for (const socket of [watcher, halOn]) socket.close();
  },
);

test(
  "an api that ended right behind the deletion: the user asks again, or another api finishes it",
  { timeout: 180_000 },
  async () => {
    const [jan, kim, lea] = [await rest.signUp("jan"), await rest.signUp("kim"), await rest.signUp("lea")];
    const group = await talk(kim, lea);
    const nats = await connectNats(stack.natsUrl, "test", pino({ level: "silent" }));
    const names = namesOf("jichat");
    const [accounts, deletions] = [await Accounts.open(nats, names), await Deletions.open(nats, names)];
    const revisionNow = Date.now();
    const bury = async (user: string): Promise<void> => {
      await deletions.begin(user);
      await accounts.update(user, ({ createdAt }) => ({
        v: 1,
        createdAt,
        credentialRevision: revisionNow,
        deletedAt: revisionNow,
      }));
    };
    const begun = async (): Promise<readonly string[]> => {
      const users: string[] = [];
      for await (const { user } of deletions.begun()) users.push(user);
      return users;
    };
    // No more than the note: the account is as it was.
    await deletions.begin("lea");
    await bury("jan");
    assert.equal((await remove(jan, "whatever it was")).status, 200, "the token is still good");
    assert.deepEqual(codeOf(await rest.call("GET", "/v1/me", jan)), [401, "UNAUTHENTICATED"]);

    await bury("kim");
    await until(
      "kim's token is void",
      60_000,
      async () => (await rest.call("GET", "/v1/me", kim)).status === 401,
    );
    await until("the group is left", 60_000, async () => {
      return usersIn(await rest.call("GET", `${group}/members`, lea)).length === 1;
    });
    await until("only the note of lea is left", 60_000, async () => (await begun()).join() === "lea", 1_000);
    assert.equal((await rest.call("GET", "/v1/me", lea)).json["user"], "lea");
    assert.equal((await rest.call("GET", "/v1/users/lea", lea)).json["deleted"], undefined);
    await assert.rejects(
      accounts.update("kim", (account) => ({ ...account, name: "back" })),
      {
        code: "NOT_FOUND",
      },
    );
    await nats.close();
  },
);
