import assert from "node:assert/strict";
import { test } from "node:test";
import { systemClock } from "@jichat/protocol/clock.ts";
import { ChatError } from "@jichat/protocol/errors.ts";
import { encodeCursor, encodePage } from "./cursor.ts";
import { Syncs } from "./sync.ts";

const HERE = "AAAAAAAAAAA";
const ELSEWHERE = "BBBBBBBBBBB";
const PARTITIONS = 4;
const AT = 100;
const LIMIT = 50;
const CONVERSATIONS = ["g_a", "g_b", "g_c", "g_d", "g_e"];

/** A cluster whose Redis knows of `done`, and whose logs stand at `AT`: an owner's next append is behind it. */
function cluster(
  done = AT,
  position = async (): Promise<number> => AT + 1,
): { syncs: Syncs; asked: number[] } {
  const asked: number[] = [];
  const entries = CONVERSATIONS.map((conversation) => ({
    conversation,
    position: 10,
    first: 1,
    mark: 0,
    markNo: 0,
  }));
  const heads = CONVERSATIONS.map((conversation, i) => ({
    conversation,
    position: 10,
    seq: 3,
    no: 2,
    ts: 1_000 + i,
    kind: "group" as const,
    name: conversation,
  }));
  const syncs = new Syncs({
    cache: {
      run: () => "run",
      list: async () => ({
        run: "run",
        done: new Map(Array.from({ length: PARTITIONS }, (_, partition) => [partition, done])),
        complete: true,
        entries,
        heads,
      }),
      heads: async () => assert.fail("all heads are whole"),
      mergeList: async () => assert.fail("nothing is to be rebuilt"),
    },
    source: {
      list: async () => assert.fail("storage is not asked"),
      heads: async () => assert.fail("storage is not asked"),
    },
    clock: systemClock,
    partitions: PARTITIONS,
    afterLoss: async () => [],
    log: {
      identity: () => HERE,
      position: async (partition) => {
        asked.push(partition);
        return position();
      },
    },
  });
  return { syncs, asked };
}

const at = (position: number, count = PARTITIONS): number[] => Array.from({ length: count }, () => position);

interface Case {
  readonly what: string;
  readonly identity: string | undefined;
  readonly positions: readonly number[];
  readonly isReset: boolean;
}
const CASES: readonly Case[] = [
  ...[HERE, undefined].flatMap((identity) => [
    { what: "of this log", identity, positions: at(50), isReset: false },
    { what: "at its end", identity, positions: at(AT), isReset: false },
    { what: "ahead in one partition", identity, positions: [50, 50, AT + 1, 50], isReset: true },
    { what: "ahead in all", identity, positions: at(2 ** 40), isReset: true },
    { what: "of fewer partitions", identity, positions: at(5, PARTITIONS - 1), isReset: true },
    { what: "of more partitions", identity, positions: at(5, 256), isReset: true },
    { what: "of one", identity, positions: at(5, 1), isReset: true },
  ]),
  { what: "of another log", identity: ELSEWHERE, positions: at(50), isReset: true },
  { what: "of another log, ahead", identity: ELSEWHERE, positions: at(AT + 9), isReset: true },
  { what: "of another log, at its beginning", identity: ELSEWHERE, positions: at(0), isReset: true },
];

for (const { what, identity, positions, isReset } of CASES) {
  const name = `${what}, ${identity === undefined ? "as the version before made it" : "with an identity"}`;

  test(`a cursor ${name}: ${isReset ? "reset and a first sync" : "what is new since"}`, async () => {
    const { syncs } = cluster();
    const since = encodeCursor({ identity, positions });
    const reply = await syncs.page("ann", { since, limit: LIMIT });
    assert.equal(reply.reset, isReset ? true : undefined);
    assert.equal(reply.conversations.length, isReset ? CONVERSATIONS.length : 0);
    assert.equal(reply.cursor, encodeCursor({ identity: HERE, positions: at(AT) }), "a cursor of this log");
    const again = await syncs.page("ann", { since: reply.cursor, limit: LIMIT });
    assert.deepEqual([again.reset, again.conversations.length], [undefined, 0], "once is enough");
  });

  test(`a page token ${name}: ${isReset ? "reset and the first page" : "the next page"}`, async () => {
    const last = { ts: 1_003, after: "g_d" };
    const tokens = [
      { since: undefined, cursor: positions },
      { since: at(1, positions.length), cursor: positions },
      { since: positions, cursor: at(1, positions.length) },
    ];
    for (const token of tokens) {
      const { syncs } = cluster();
      const reply = await syncs.page("ann", { page: encodePage({ identity, ...token, ...last }), limit: 2 });
      assert.equal(reply.reset, isReset ? true : undefined);
      if (isReset) {
        assert.deepEqual(
          reply.conversations.map(({ conversation }) => conversation),
          ["g_e", "g_d"],
        );
        assert.ok(reply.next !== undefined);
        const next = await syncs.page("ann", { page: reply.next, limit: 9 });
        assert.deepEqual(
          [next.reset, next.conversations.map(({ conversation }) => conversation)],
          [undefined, ["g_c", "g_b", "g_a"]],
          "the pages behind it go on from there",
        );
      } else assert.equal(reply.cursor, encodeCursor({ identity: HERE, positions: token.cursor }));
    }
  });
}

test("a cursor ahead of Redis is accepted, since the owners know the end of the log", async () => {
  const { syncs, asked } = cluster(40);
  const reply = await syncs.page("ann", {
    since: encodeCursor({ identity: HERE, positions: [AT, 40, 39, AT] }),
    limit: LIMIT,
  });
  assert.equal(reply.reset, undefined);
  assert.deepEqual(asked, [0, 3], "only those are asked that it is ahead of");
});

test("a first sync is no reset", async () => {
  const reply = await cluster().syncs.page("ann", { limit: LIMIT });
  assert.deepEqual([reply.reset, reply.conversations.length], [undefined, CONVERSATIONS.length]);
});

test("a cursor is not judged while an owner does not answer", async () => {
  const away = async (): Promise<number> => {
    throw new ChatError("UNAVAILABLE", "nobody owns it just now");
  };
  const { syncs } = cluster(40, away);
  const since = encodeCursor({ identity: HERE, positions: at(60) });
  await assert.rejects(syncs.page("ann", { since, limit: LIMIT }), { code: "UNAVAILABLE" });
});
