import assert from "node:assert/strict";
import { rmSync } from "node:fs";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { test } from "node:test";
import { jetstream, jetstreamManager } from "@nats-io/jetstream";
import { connect } from "@nats-io/transport-node";
import { ChatClient } from "@jichat/client/chat-client.ts";
import type { Notice } from "@jichat/client/types.ts";
import { namesOf } from "@jichat/protocol/bus/names.ts";
import { partitionOf } from "@jichat/protocol/ids.ts";
import type { Stack } from "@jichat/testkit/local/stack.ts";
import { until } from "@jichat/testkit/until.ts";
import { startStack } from "../src/scene.ts";

const PARTITIONS = 16;
const PASSWORD = "correct horse";
const PATIENCE_MS = 60_000;

type Json = Readonly<Record<string, unknown>>;

/** A request as a back end makes it; what is refused for a while is asked again. */
async function call(
  stack: Stack,
  method: string,
  path: string,
  token?: string,
  body?: object,
): Promise<Json> {
  return until(`${method} ${path}`, PATIENCE_MS, async () => {
    const response = await fetch(stack.apiUrl + path, {
      method,
      headers: {
        ...(body === undefined ? {} : { "content-type": "application/json" }),
        ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    return response.status === 503 ? undefined : ((await response.json()) as Json);
  });
}

async function signUp(stack: Stack, user: string): Promise<string> {
  await call(stack, "POST", "/v1/users", undefined, { user, password: PASSWORD });
  const session = await call(stack, "POST", "/v1/sessions", undefined, { user, password: PASSWORD });
  return String(session["token"]);
}

/** Everything is gone but the name of the cluster and its keys; Redis keeps nothing over a restart. */
async function wipe(stack: Stack): Promise<void> {
  await stack.stop();
  for (const backend of ["nats", "clickhouse"])
    rmSync(join(stack.options.data, backend), { recursive: true, force: true });
  await stack.start();
}

/** A group per name, made anew: `life` is part of its id. */
async function makeGroups(
  stack: Stack,
  token: string,
  life: string,
  names: readonly string[],
): Promise<string[]> {
  const made: string[] = [];
  for (const name of names) {
    const group = { id: `${life}-${name}`, kind: "group", name, members: ["bob"] };
    made.push(String((await call(stack, "POST", "/v1/conversations", token, group))["conversation"]));
  }
  return made;
}

const list = async (stack: Stack, token: string, query: Readonly<Record<string, string>>): Promise<Json> =>
  call(stack, "GET", `/v1/conversations?${new URLSearchParams(query).toString()}`, token);

const namesOfItems = ({ items }: Json): unknown[] =>
  (items as Json[]).map((item) => item["name"]).toSorted((a, b) => (String(a) < String(b) ? -1 : 1));

/** Bob's phone, and all that it is told; its client lives through whatever is done to the cluster. */
async function arrive(t: TestContext, stack: Stack, token: () => string): Promise<[ChatClient, Notice[]]> {
  const notices: Notice[] = [];
  const client = new ChatClient({ urls: stack.wsUrls, device: "phone", token: async () => token() });
  t.after(() => {
    client.close();
  });
  const feed = client.events();
  void (async () => {
    for await (const notice of feed) notices.push(notice);
  })();
  await client.connect();
  return [client, notices];
}

test(
  "a cluster that lost its data answers earlier positions with a reset, and shows the new data",
  { timeout: 280_000 },
  async (t) => {
    const stack = await startStack(t, { routers: 1, connectors: 1 });
    let [ann, bob] = [await signUp(stack, "ann"), await signUp(stack, "bob")];
    const [client, notices] = await arrive(t, stack, () => bob);
    await makeGroups(stack, ann, "first", ["one", "two", "three"]);
    const old = await until("all three", PATIENCE_MS, async () => {
      const page = await list(stack, bob, { limit: "2" });
      const seen = client.seen();
      return page["more"] === true && Object.keys(seen?.seqs ?? {}).length === 3 ? { page, seen } : undefined;
    });
    const since = String(old.page["cursor"]);

    await stack.stop();
    await stack.start();
    const same = await list(stack, bob, { since });
    assert.deepEqual([same["reset"], same["items"]], [undefined, []], "a restart is no new life");
    assert.ok(!notices.some((notice) => notice.t === "reset"));

    const unsent = wipe(stack);
    await until("the phone is offline", PATIENCE_MS, async () => client.state !== "online" || undefined);
    const sent = client.send({ to: "ann" }, { text: "written while all was gone" });
    await unsent;
    [ann, bob] = [await signUp(stack, "ann"), await signUp(stack, "bob")];
    const groups = await makeGroups(stack, ann, "second", ["four", "five"]);

    assert.equal((await sent).seq, 2, "what waited is sent, into the new life");
    await until("the phone shows the new life", PATIENCE_MS, async () => {
      const at = notices.findLastIndex((notice) => notice.t === "reset");
      const fresh = notices.slice(at + 1).flatMap((notice) => {
        if (notice.t === "event") return [notice.event.conversation];
        return notice.t === "conversations" ? notice.conversations.map((one) => one.conversation) : [];
      });
      const shown = new Set(fresh);
      const seqs = client.seen()?.seqs ?? {};
      return at >= 0 && groups.every((group) => shown.has(group) && seqs[group] === 1);
    });
    assert.equal(notices.filter((notice) => notice.t === "reset").length, 1);

    await t.test("over REST, by cursor and by page token", async () => {
      const known = ["five", "four", undefined];
      const first = await list(stack, bob, { since });
      assert.deepEqual([first["reset"], namesOfItems(first)], [true, known]);
      const page = await list(stack, bob, { page: String(old.page["next"]) });
      assert.deepEqual([page["reset"], namesOfItems(page)], [true, known]);
      const next = await list(stack, bob, { since: String(first["cursor"]) });
      assert.deepEqual([next["reset"], next["items"]], [undefined, []]);
      await judgeForeign(stack, bob, String(first["cursor"]));
    });

    await t.test("a device returns with what it has seen before the loss", async () => {
      const tablet = new ChatClient({
        urls: stack.wsUrls,
        device: "tablet",
        token: async () => bob,
        resume: old.seen,
      });
      const feed = tablet.events();
      await tablet.connect();
      const told: string[] = [];
      for await (const notice of feed) {
        if (notice.t !== "state") told.push(notice.t);
        if (notice.t === "conversations") break;
      }
      assert.deepEqual(told, ["reset", "conversations"]);
      tablet.close();
    });

    await t.test("one log of sixteen is created again", async () => {
      const { cursor, items } = await list(stack, bob, {});
      const used = new Set(
        (items as Json[]).map((item) => partitionOf(String(item["conversation"]), PARTITIONS)),
      );
      const unused = Array.from({ length: PARTITIONS }, (_, at) => at).find((at) => !used.has(at)) ?? 0;
      const nats = await connect({ servers: stack.natsUrl });
      const { streams } = await jetstreamManager(nats);
      const log = namesOf(stack.storage.spec.env["CLUSTER"] ?? "").logStream(unused);
      const { config } = await streams.info(log);
      await streams.delete(log);
      await streams.add(config);
      await nats.close();
      await until("a reset", PATIENCE_MS, async () => {
        const { reset } = await list(stack, bob, { since: String(cursor) });
        return reset === true ? true : undefined;
      });
    });

    await t.test("a restore is reported", async () => {
      const { cursor } = await list(stack, bob, {});
      const nats = await connect({ servers: stack.natsUrl });
      const cluster = stack.storage.spec.env["CLUSTER"] ?? "";
      await jetstream(nats).publish(`$KV.${namesOf(cluster).settings}.restored`, "today");
      await nats.close();
      await until("a reset", PATIENCE_MS, async () => {
        const { reset } = await list(stack, bob, { since: String(cursor) });
        return reset === true ? true : undefined;
      });
    });
  },
);

/** Cursors that were made by hand from one of this life: a version, a count, and a byte for each position. */
async function judgeForeign(stack: Stack, token: string, cursor: string): Promise<void> {
  const [plain = "", identity = ""] = cursor.split("=");
  const [version = 0, count = 0, ...positions] = Buffer.from(plain, "base64url");
  assert.ok(identity !== "" && count === 16 && positions.length === count);
  const make = (...given: number[]): string =>
    Buffer.from([version, given.length, ...given]).toString("base64url");
  const ahead = make(...positions.with(3, 127));
  const cases = [
    { what: "as the version before made it", since: plain, isReset: false },
    { what: "ahead", since: `${ahead}=${identity}`, isReset: true },
    { what: "ahead, as the version before made it", since: ahead, isReset: true },
    { what: "of fewer partitions", since: `${make(...positions.slice(1))}=${identity}`, isReset: true },
    { what: "of more partitions", since: make(...positions, 1), isReset: true },
  ];
  for (const { what, since, isReset } of cases) {
    const { reset, items } = await list(stack, token, { since });
    assert.deepEqual([reset, (items as Json[]).length], isReset ? [true, 3] : [undefined, 0], what);
  }
  for (const since of ["rubbish", `${cursor}=`, cursor.slice(0, 9)])
    assert.equal((await list(stack, token, { since }))["code"], "INVALID", since);
}
