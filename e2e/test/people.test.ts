import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { jetstreamManager } from "@nats-io/jetstream";
import { Kvm } from "@nats-io/kv";
import { connect } from "@nats-io/transport-node";
import { namesOf } from "@jichat/protocol/bus/names.ts";
import type { Stack } from "@jichat/testkit/local/stack.ts";
import { startThrowaway } from "@jichat/testkit/local/throwaway.ts";
import { until } from "@jichat/testkit/until.ts";
import { mint } from "../src/mint.ts";
import type { Frame } from "../src/raw.ts";
import { Raw } from "../src/raw.ts";

let stack: Stack;
let destroy: () => Promise<void>;
const names = namesOf("jichat");
const sockets: Raw[] = [];
const body = { text: "for your eyes only" };

before(async () => {
  ({ stack, destroy } = await startThrowaway({
    env: {
      "*": { PEOPLE_MUST_EXIST: "yes" },
      connector: { MESSAGES_PER_SECOND: "1000", MEMBERS_PER_SECOND: "50" },
      api: { SIGN_INS_PER_SECOND: "100" },
    },
  }));
});
after(async () => {
  for (const socket of sockets) socket.close();
  await destroy?.();
});

async function live(user: string): Promise<Raw> {
  const socket = new Raw(stack.wsUrls[0] ?? "");
  sockets.push(socket);
  const token = mint(stack.secrets.signingKeyFile, { sub: user });
  assert.equal((await socket.hello(token, `d${sockets.length}`)).t, "welcome");
  return socket;
}

async function post(path: string, said: object, user?: string): Promise<{ status: number; json: Frame }> {
  const token = user === undefined ? "" : mint(stack.secrets.signingKeyFile, { sub: user });
  const response = await fetch(stack.apiUrl + path, {
    method: "POST",
    headers: { "content-type": "application/json", authorization: `Bearer ${token}` },
    body: JSON.stringify(said),
  });
  return { status: response.status, json: (await response.json()) as Frame };
}

async function signUp(user: string): Promise<void> {
  assert.equal((await post("/v1/users", { user, password: "correct horse" })).status, 201);
}

type Ask = { readonly id: string } & Readonly<Record<string, unknown>>;

const codeOf = (frame: Frame): unknown => (frame.t === "error" ? frame["code"] : frame.t);

/** The bucket says that it has everybody, and a moment later connectors know. */
async function complete(): Promise<void> {
  const nats = await connect({ servers: stack.natsUrl });
  const kv = await new Kvm(nats).open(names.people);
  await until("everybody is written down", 10_000, async () => (await kv.get("complete")) ?? undefined);
  await nats.close();
}

test("before the first sign-up every user of a token exists, and a group costs by its members", async () => {
  const maker = await live("maker");
  const members = Array.from({ length: 999 }, (_, i) => `m${i}`);
  const group = (id: string): Ask => ({ t: "create", id, kind: "group", name: "G", members });
  assert.equal((await maker.ask({ t: "send", id: "m", to: "somebody", body })).t, "ack");
  assert.equal((await maker.ask(group("g1"))).t, "ack");
  const second = await maker.ask(group("g2"));
  assert.equal(second.t, "ack");
  const { conversation } = second;
  for (const frame of [group("g3"), { t: "invite", id: "i", conversation, users: members }]) {
    const refused = await maker.ask(frame);
    assert.equal(codeOf(refused), "RATE_LIMITED");
    assert.ok(Number(refused["retryAfterMs"]) > 10_000, JSON.stringify(refused));
  }
  const rest = await Promise.all(
    ["r1", "r2", "r3"].map((id) =>
      post("/v1/conversations", { id, kind: "group", name: "G", members }, "rest"),
    ),
  );
  assert.deepEqual(
    rest.map(({ status }) => status).sort((a, b) => a - b),
    [201, 201, 429],
  );
});

test("a missing user is refused everywhere, and who registers that name later reads nothing earlier", async () => {
  await signUp("ann");
  await signUp("bob");
  await complete();
  const ann = await live("ann");
  const group = { kind: "group", name: "G" };
  const made = await ann.ask({ t: "create", id: "g", ...group, members: ["bob"] });
  assert.equal(made.t, "ack");
  const { conversation } = made;
  const doors: Ask[] = [
    { t: "send", id: "t1", to: "bbo", body },
    { t: "create", id: "t2", ...group, members: ["bob", "bbo", "Bob"] },
    { t: "invite", id: "t3", conversation, users: ["bbo"] },
  ];
  for (let round = 0; round < 2; round += 1)
    for (const frame of doors) {
      const refused = await ann.ask(frame);
      assert.equal(codeOf(refused), "NOT_FOUND", JSON.stringify(frame));
      assert.match(String(refused["message"]), /bbo/);
    }
  const refused = await post("/v1/conversations", { id: "t4", ...group, members: ["bob", "bbo"] }, "ann");
  assert.deepEqual([refused.status, refused.json["code"]], [404, "NOT_FOUND"]);
  assert.match(String(refused.json["message"]), /bbo/);
  const removed = await ann.ask({ t: "remove", id: "t5", conversation, users: ["bbo"] });
  assert.equal(removed.t, "ack", "to remove nobody changes nothing");

  await signUp("bbo");
  const bbo = await live("bbo");
  const synced = await bbo.ask({ t: "sync", id: "s" });
  assert.deepEqual(synced["conversations"], []);
  const sent = await ann.ask({ t: "send", id: "t1", to: "bbo", body });
  assert.equal(sent.t, "ack", "who has just signed up is written to at once");
  assert.equal((await ann.ask({ t: "send", id: "t1", to: "bbo", body }))["seq"], sent["seq"]);
});

test("sends keep their order during the check that their reader exists", async () => {
  const ann = await live("ann");
  for (let round = 0; round < 5; round += 1) {
    const user = `reader${round}`;
    await signUp(user);
    const ids = Array.from({ length: 50 }, (_, i) => `${user}-${i}`);
    for (const id of ids) await ann.say({ t: "send", id, to: user, body });
    const acks = await Promise.all(ids.map((id) => ann.hear((frame) => frame["id"] === id)));
    assert.deepEqual(
      acks.map((frame) => frame["seq"]),
      ids.map((_, i) => i + 2),
    );
  }
});

test("users whose account an older api created, or whose entry was lost, are added to the register", async () => {
  const nats = await connect({ servers: stack.natsUrl });
  const accounts = await new Kvm(nats).open(names.accounts);
  const people = await new Kvm(nats).open(names.people);
  const account = JSON.stringify({ v: 1, createdAt: 1, password: "scrypt$1$1$1$a$b" });
  await accounts.create("u.older", account);
  await until("its name", 10_000, async () => (await people.get("u.older")) ?? undefined);
  const ann = await live("ann");
  assert.equal((await ann.ask({ t: "send", id: "o1", to: "older", body })).t, "ack");

  await stack.api.stop(5_000);
  const jsm = await jetstreamManager(nats);
  await jsm.streams.purge(`KV_${names.people}`);
  stack.api.start();
  await stack.api.ready(20_000);
  await complete();
  for (const user of ["ann", "bob", "older"]) assert.ok((await people.get(`u.${user}`)) !== null, user);
  await nats.close();
});

test("sends to a user who cannot be looked up are UNAVAILABLE in a row, and a known user is written to", async () => {
  const ann = await live("ann");
  await signUp("zoe");
  await signUp("amy");
  assert.equal((await ann.ask({ t: "send", id: "k1", to: "bob", body })).t, "ack");
  const nats = await connect({ servers: stack.natsUrl });
  const jsm = await jetstreamManager(nats);
  const { config } = await jsm.streams.info(`KV_${names.people}`);
  await jsm.streams.delete(`KV_${names.people}`);
  await ann.say({ t: "send", id: "z1", to: "zoe", body });
  for (const id of ["z2", "z3"]) await ann.say({ t: "send", id, to: "zoe", body });
  for (const id of ["z1", "z2", "z3"]) {
    const refused = await ann.hear((frame) => frame["id"] === id);
    assert.equal(codeOf(refused), "UNAVAILABLE", id);
    assert.ok(Number(refused["retryAfterMs"]) > 0);
  }
  assert.equal((await ann.ask({ t: "send", id: "k2", to: "bob", body })).t, "ack");
  await jsm.streams.add(config);
  const people = await new Kvm(nats).open(names.people);
  await people.put("u.zoe", "");
  assert.equal(codeOf(await ann.ask({ t: "send", id: "z2", to: "zoe", body })), "UNAVAILABLE", "z1 is first");
  await ann.say({ t: "send", id: "z1", to: "zoe", body: { text: "again" } });
  const again = await ann.hear((frame) => frame.t === "ack" && frame["id"] === "z1");
  assert.equal(again["seq"], 2);
  await nats.close();
});
