import assert from "node:assert/strict";
import type { TestContext } from "node:test";
import { test } from "node:test";
import { IdMaker } from "@jichat/protocol/uuid.ts";
import type { Stack } from "@jichat/testkit/local/stack.ts";
import { patiently } from "../src/crowd.ts";
import { restoreDatabase } from "../src/levels/clickhouse-copy.ts";
import type { Level } from "../src/levels/fixture.ts";
import { ROUNDS, readLevel } from "../src/levels/fixture.ts";
import { cursorAgain, ticketAgain, tokenAgain } from "../src/levels/level-0-forms.ts";
import { start, startBackends, storageCommand } from "../src/levels/level-stack.ts";
import { restoreStreams, streamsMade } from "../src/levels/nats-copy.ts";
import { restoreRedis } from "../src/levels/redis-copy.ts";
import type { ToldConversation } from "../src/levels/told.ts";
import { ENCODINGS, answered, asTold, toldTo } from "../src/levels/told.ts";
import { mint } from "../src/mint.ts";
import type { Frame } from "../src/raw.ts";
import { Raw } from "../src/raw.ts";
import { verify } from "../src/scene.ts";

const HOUR_MS = 3_600_000;
const NEW_BODY = { text: "said to what level 0 left" };
const level = readLevel("level-0");
const conversations = Object.keys(level.told["ann"]?.conversations ?? {});
const ids = new IdMaker(Date.now);

const whole = (told: Level["told"][string] | undefined, conversation: string): ToldConversation => {
  const found = told?.conversations[conversation];
  assert.ok(found !== undefined && typeof found !== "string", `${conversation} was told`);
  return found;
};
const logs = level.streams
  .filter(({ config }) => config.name.includes("-LOG-"))
  .sort((a, b) => (a.config.name < b.config.name ? -1 : 1));

/** The three backends as level 0 left them; of ours nothing runs. */
async function restored(t: TestContext): Promise<Stack> {
  const backends = await startBackends({}, level.secrets);
  t.after(async () => backends.destroy());
  const { stack, clickhouseUrl } = backends;
  await restoreStreams(stack.natsUrl, level.streams);
  await restoreDatabase(clickhouseUrl, level.database);
  await restoreRedis(stack.redisUrl, level.redis);
  return stack;
}

async function ask(socket: Raw, frame: Readonly<Record<string, unknown>>, id = ids.next()): Promise<Frame> {
  return patiently(async () => answered(await socket.ask({ ...frame, id })));
}

async function meet(t: TestContext, stack: Stack, user: string, encoding = 0): Promise<Raw> {
  const socket = new Raw(stack.wsUrls[0] ?? "", [ENCODINGS[encoding] ?? ""]);
  t.after(() => {
    socket.close();
  });
  const welcome = await socket.hello(mint(stack.secrets.signingKeyFile, { sub: user }), "new");
  assert.equal(welcome.t, "welcome");
  return socket;
}

test("the fixture of level 0 has every kind of record in the log and in ClickHouse", () => {
  const inLog = logs.flatMap(({ messages }) =>
    messages.flatMap(({ text = "" }) => {
      const { records } = JSON.parse(text) as { records: readonly { r: string; kind?: string }[] };
      return records.map(({ r, kind = "" }) => `${r} ${kind}`.trim());
    }),
  );
  const kinds = ["created", "edited", "joined", "left", "lost", "message", "recalled", "renamed"];
  assert.deepEqual([...new Set(inLog)].sort(), [...kinds.map((kind) => `event ${kind}`), "mark", "note"]);
  const rows = (table: string): Level["database"]["tables"][number]["rows"] =>
    level.database.tables.find(({ name }) => name === table)?.rows ?? [];
  assert.deepEqual([...new Set(rows("events").map((row) => String(row["kind"])))].sort(), kinds);
  for (const table of [
    "edits",
    "lifecycle",
    "memberships",
    "heads",
    "marks",
    "ids",
    "watermarks",
    "migrations",
  ])
    assert.ok(rows(table).length > 0, table);
});

test(
  "rows, logs, snapshots, Redis, tickets and cursors of level 0 are read",
  { timeout: 240_000 },
  async (t) => {
    const stack = await restored(t);
    const { router, bob } = { router: stack.routers[0], bob: level.told["bob"] };

    await t.test("rows and log have the same digests as before", async () => {
      for (const range of level.verified) {
        const { partition, from, to } = range;
        const again = await storageCommand(
          stack,
          "verify",
          `--partition=${String(partition)}`,
          `--from=${String(from)}`,
          `--to=${String(to)}`,
        );
        assert.deepEqual(asTold(again, [range]), [range]);
      }
    });

    await start(router, ...stack.connectors, stack.api);
    await t.test(
      "lists come from the entries in Redis without storage, which alone could rebuild them",
      async () => {
        for (const [user, { list, profile }] of Object.entries(level.told)) {
          const now = await toldTo(stack, user, [], false);
          assert.deepEqual(asTold([now.list, now.profile], [list, profile]), [list, profile], user);
        }
      },
    );

    await t.test(
      "an owner continues from a snapshot without storage, which alone knows the members otherwise",
      async () => {
        const ann = await meet(t, stack, "ann");
        for (const conversation of level.warm) {
          const ack = await ask(ann, { t: "send", conversation, body: NEW_BODY });
          assert.equal(ack["seq"], whole(bob, conversation).head + 1, conversation);
        }
      },
    );

    await t.test("a device returns with its ticket and its cursor, and gets what it missed", async () => {
      await comesBack(t, stack);
    });

    await start(stack.storage);
    await t.test("every history, member and mark is as it was recorded", async () => {
      for (const [user, told] of Object.entries(level.told)) {
        const { conversations: now } = await toldTo(stack, user, conversations);
        for (const conversation of conversations) {
          const was = sinceTold(told.conversations[conversation], now[conversation], conversation);
          assert.deepEqual(asTold(now[conversation], was), was, `${user} in ${conversation}`);
        }
      }
    });

    await t.test("an id of each round gets its old seq, and a new id the next one", async () => {
      await goesOn(t, stack);
    });

    await t.test("passwords and tokens of level 0 are accepted, and revoked ones are not", async () => {
      await signsIn(stack);
    });

    await t.test("ClickHouse holds what the log holds at the end", async () => {
      await verify(stack);
    });
  },
);

/** What has to be told: as it was, and in a warm conversation the one message that has come since. */
function sinceTold(
  was: ToldConversation | string | undefined,
  now: ToldConversation | string | undefined,
  conversation: string,
): ToldConversation | string | undefined {
  if (!level.warm.includes(conversation) || typeof was !== "object" || typeof now !== "object") return was;
  const last = now.events.at(-1) as Frame | undefined;
  assert.deepEqual([last?.["seq"], last?.["body"]], [was.head + 1, NEW_BODY]);
  return { ...was, head: was.head + 1, events: [...was.events, last] };
}

async function comesBack(t: TestContext, stack: Stack): Promise<void> {
  const { device, ticket, cursor, missed } = level.away;
  const { clusterKeyFile: clusterKey } = level.secrets;
  assert.equal(ticketAgain(ticket, clusterKey), ticket, "tickets are written here as level 0 wrote them");
  const made = logs.map(({ created }) => created);
  assert.equal(cursorAgain(cursor, made), cursor, "and so are cursors");
  const later = Date.now() + HOUR_MS;
  const since = cursorAgain(
    cursor,
    await streamsMade(
      stack.natsUrl,
      logs.map(({ config }) => config.name),
    ),
  );
  for (const encoding of ENCODINGS) {
    const socket = new Raw(stack.wsUrls[0] ?? "", [encoding]);
    t.after(() => {
      socket.close();
    });
    await socket.say({ t: "hello", device, ticket: ticketAgain(ticket, clusterKey, { x: later, e: later }) });
    const welcome = await socket.hear(({ t: kind }) => kind === "welcome" || kind === "error");
    assert.deepEqual([welcome.t, welcome["user"]], ["welcome", "bob"], JSON.stringify(welcome));
    const { conversations: listed, reset, more } = await ask(socket, { t: "sync", since, limit: 200 });
    assert.deepEqual([reset, more], [undefined, false]);
    const isOld = ({ conversation }: { conversation: string }): boolean => !level.warm.includes(conversation);
    const told = (listed as { conversation: string }[]).filter(isOld);
    assert.deepEqual(asTold(told, missed), missed);
    assert.ok(missed.length >= 4);
    socket.close();
  }
}

async function goesOn(t: TestContext, stack: Stack): Promise<void> {
  const sockets = new Map<string, Raw>();
  for (const [at, user] of Object.keys(level.told).entries())
    sockets.set(user, await meet(t, stack, user, at % ENCODINGS.length));
  for (const { user, conversation, id, seq } of level.sent) {
    const socket = sockets.get(user);
    assert.ok(socket !== undefined);
    const ack = await ask(socket, { t: "send", conversation, body: { text: "sent again" } }, id);
    assert.deepEqual([ack["seq"], ack["duplicate"]], [seq, true], `${user} ${id} in ${conversation}`);
  }
  assert.deepEqual([...new Set(level.sent.map(({ round }) => round))], ROUNDS);
  for (const [user, { list }] of Object.entries(level.told)) {
    const socket = sockets.get(user);
    assert.ok(socket !== undefined);
    for (const { conversation } of list as readonly { readonly conversation: string }[]) {
      const page = await ask(socket, { t: "pull", conversation, limit: 1 });
      const next = Number(page["head"]) + 1;
      const ack = await ask(socket, { t: "send", conversation, body: { text: "new" } });
      assert.equal(ack["seq"], next, `${user} goes on in ${conversation}`);
      const mark = await ask(socket, { t: "read", conversation, seq: next });
      assert.equal(mark["seq"], next);
    }
  }
}

async function signsIn(stack: Stack): Promise<void> {
  const { signingKeyFile: signingKey } = level.secrets;
  const status = async (token: string): Promise<number> =>
    (await fetch(`${stack.apiUrl}/v1/me`, { headers: { authorization: `Bearer ${token}` } })).status;
  const now = Math.floor(Date.now() / 1_000);
  const times = { iat: now, exp: now + 3_600 };
  for (const token of [...level.voidTokens, level.validToken])
    assert.equal(tokenAgain(token, signingKey), token);
  for (const token of level.voidTokens) assert.equal(await status(tokenAgain(token, signingKey, times)), 401);
  assert.equal(await status(tokenAgain(level.validToken, signingKey, times)), 200);
  const signIn = async (user: string, password: string): Promise<number> => {
    const response = await fetch(`${stack.apiUrl}/v1/sessions`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ user, password }),
    });
    return response.status;
  };
  assert.equal(await signIn("ann", level.password), 201);
  assert.deepEqual(
    [await signIn("dan", level.password), await signIn("dan", `${level.password}!`)],
    [401, 201],
  );
}
