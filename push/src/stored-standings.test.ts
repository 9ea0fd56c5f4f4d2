import assert from "node:assert/strict";
import { test } from "node:test";
import type { ListEntry, ListReply, Query } from "@jichat/protocol/bus/query.ts";
import { HandClock } from "@jichat/protocol/hand-clock.ts";
import { StandingsOfStorage } from "./stored-standings.ts";

const entryOf = (conversation: string): ListEntry => ({
  conversation,
  position: 1,
  first: 1,
  mark: 7,
  markNo: 6,
});

const silent = { warn: () => undefined, error: () => undefined };

test("a list is read in all its pages, once for all of its conversations", async () => {
  const asked: Query[] = [];
  const clock = new HandClock();
  const pages: ListReply[] = [
    { entries: [entryOf("a")], heads: [], next: "a" },
    { entries: [entryOf("b")], heads: [] },
  ];
  const storage = {
    ask: async <R>(query: Query): Promise<R> => {
      asked.push(query);
      return pages[asked.length - 1] as R;
    },
  };
  const standings = new StandingsOfStorage({
    storage,
    partitions: 1,
    data: { name: "d" },
    clock,
    log: silent,
  });
  const [a, b, c] = await Promise.all(["a", "b", "c"].map(async (one) => standings.of("ann", one)));
  assert.deepEqual([a?.mark, b?.mark, c], [7, 7, undefined]);
  assert.deepEqual(
    asked.map((query) => [query.q, query.partition, "after" in query ? query.after : undefined]),
    [
      ["list", 0, undefined],
      ["list", 0, "a"],
    ],
  );
});

test("a storage that does not answer is asked again ten seconds later", async () => {
  const clock = new HandClock();
  let asked = 0;
  const lines: string[] = [];
  const storage = {
    ask: async <R>(): Promise<R> => {
      asked += 1;
      if (asked === 1) throw new Error("nobody serves it");
      return { entries: [entryOf("a")], heads: [] } as R;
    },
  };
  const log = { warn: (_of: object, line: string) => void lines.push(line), error: () => undefined };
  const standings = new StandingsOfStorage({ storage, partitions: 1, data: { name: "d" }, clock, log });
  assert.equal(await standings.of("ann", "a"), undefined);
  assert.equal(await standings.of("bob", "a"), undefined);
  assert.deepEqual([asked, lines.length], [1, 1]);
  clock.at = 10_000;
  assert.equal((await standings.of("bob", "a"))?.mark, 7);
});

test("Redis loses its data once more: what was read for the data before does not count", async () => {
  let mark = 7;
  const storage = {
    ask: async <R>(): Promise<R> => ({ entries: [{ ...entryOf("a"), mark }], heads: [] }) as R,
  };
  const data = { name: "one" };
  const parts = { storage, partitions: 1, data, clock: new HandClock(), log: silent };
  const standings = new StandingsOfStorage(parts);
  assert.equal((await standings.of("ann", "a"))?.mark, 7);
  mark = 9;
  assert.equal((await standings.of("ann", "a"))?.mark, 7);
  data.name = "other";
  assert.equal((await standings.of("ann", "a"))?.mark, 9);
});
