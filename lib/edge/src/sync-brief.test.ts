import assert from "node:assert/strict";
import { test } from "node:test";
import type { HeadEntry, HeadsQuery, ListEntry } from "@jichat/protocol/bus/query.ts";
import { systemClock } from "@jichat/protocol/clock.ts";
import type { ListCache, ListSource } from "./list-cache.ts";
import { Syncs } from "./sync.ts";

const COUNT = 5_000;
const PARTITIONS = 4;
const LIMIT = 50;
const DONE = 10_000;

const idOf = (index: number): string => `g_${index}`;
const headOf = (index: number): HeadEntry => ({
  conversation: idOf(index),
  position: 100 + index,
  seq: 3,
  no: 2,
  ts: 1_000 + ((index * 7_919) % COUNT),
  kind: "group",
  name: `group ${index}`,
});
const entryOf = (index: number): ListEntry => ({
  conversation: idOf(index),
  position: 100,
  first: 1,
  mark: 1,
  markNo: 0,
});
const ALL = Array.from({ length: COUNT }, (_, index) => index);
const WHOLE = new Map(ALL.map((index) => [idOf(index), headOf(index)]));

/** A Redis that knows of `cached` whole heads and of briefs of all, and a storage that knows the rest. */
class World {
  readonly cached = new Map<string, HeadEntry>();
  readonly merged: string[] = [];
  readonly read: string[] = [];
  readonly asked: HeadsQuery[] = [];
  /** Where the user is no longer, as storage knows. */
  readonly gone = new Set<string>();
  readonly #cache: ListCache = {
    run: () => "run",
    list: async () => ({
      run: "run",
      done: new Map(Array.from({ length: PARTITIONS }, (_, partition) => [partition, DONE])),
      complete: true,
      entries: ALL.map(entryOf),
      heads: ALL.map(headOf).map(({ conversation, position, ts }) => ({ conversation, position, ts })),
    }),
    heads: async (conversations) => {
      this.read.push(...conversations);
      return conversations.map((id) => this.cached.get(id));
    },
    mergeList: async (run, user, { entries, heads, wholeAt }) => {
      assert.deepEqual([run, user, entries, wholeAt], ["run", "ann", [], undefined]);
      for (const head of heads) {
        this.merged.push(head.conversation);
        this.cached.set(head.conversation, head as HeadEntry);
      }
    },
  };
  /** Has room for half of what it is asked. */
  readonly #source: ListSource = {
    list: async () => assert.fail("nothing is to be rebuilt"),
    heads: async (query) => {
      this.asked.push(query);
      const { conversations } = query;
      const room = Math.ceil(conversations.length / 2);
      const told = conversations.slice(0, room).filter((id) => !this.gone.has(id));
      return { heads: told.map((id) => WHOLE.get(id) ?? assert.fail()), rest: conversations.slice(room) };
    },
  };
  readonly syncs = new Syncs({
    cache: this.#cache,
    source: this.#source,
    clock: systemClock,
    partitions: PARTITIONS,
    afterLoss: async () => [],
    log: {
      identity: () => "AAAAAAAAAAA",
      position: async () => DONE,
    },
  });
}

test("a page of a list of thousands reads only its own whole heads, from storage those that are brief in Redis", async () => {
  const world = new World();
  const order = ALL.map(headOf)
    .sort((a, b) => b.ts - a.ts)
    .map(({ conversation }) => conversation);
  for (const id of order.slice(0, 20)) world.cached.set(id, WHOLE.get(id) ?? assert.fail());
  const first = await world.syncs.page("ann", { limit: LIMIT });
  assert.deepEqual(
    first.conversations.map(({ conversation }) => conversation),
    order.slice(0, LIMIT),
  );
  assert.ok(first.conversations.every((one) => "name" in one));
  assert.deepEqual(world.read, order.slice(0, LIMIT));
  assert.deepEqual(world.merged.toSorted(), order.slice(20, LIMIT).toSorted());
  assert.ok(world.asked.every(({ position }) => position === DONE));

  const { next } = first;
  assert.ok(next !== undefined);
  const before = world.asked.length;
  const second = await world.syncs.page("ann", { limit: LIMIT, page: next });
  assert.deepEqual(
    second.conversations.map(({ conversation }) => conversation),
    order.slice(LIMIT, 2 * LIMIT),
  );
  assert.ok(world.asked.length > before);
  const told = world.asked.length;
  assert.deepEqual(await world.syncs.page("ann", { limit: LIMIT }), first);
  assert.equal(world.asked.length, told, "Redis has them now");
});

test("a user who is removed between a list and its heads sees nothing later, and the page goes on", async () => {
  const world = new World();
  const all = ALL.map(headOf).sort((a, b) => b.ts - a.ts);
  world.gone.add(all[3]?.conversation ?? "").add(all[49]?.conversation ?? "");
  const told: string[] = [];
  let page: string | undefined;
  for (let pages = 0; pages < 3; pages += 1) {
    const reply = await world.syncs.page("ann", { limit: LIMIT, ...(page === undefined ? {} : { page }) });
    told.push(...reply.conversations.map(({ conversation }) => conversation));
    page = reply.next;
  }
  const expected = all.slice(0, 150).map(({ conversation }) => conversation);
  assert.deepEqual(
    told,
    expected.filter((id) => !world.gone.has(id)),
  );
});
