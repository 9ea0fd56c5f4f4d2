import "fake-indexeddb/auto";
import assert from "node:assert/strict";
import { test } from "node:test";
import { HandClock } from "@jichat/protocol/hand-clock.ts";
import { indexedDbStore } from "./indexed-db-store.ts";
import { Keeper, SEEN } from "./keeper.ts";
import { memoryStore, webStore } from "./store.ts";
import type { Store } from "./types.ts";

/** As a browser's, with the length and the keys by number that `webStore` needs. */
class FakeStorage {
  readonly #kept = new Map<string, string>();
  get length(): number {
    return this.#kept.size;
  }
  key(index: number): string | null {
    return [...this.#kept.keys()][index] ?? null;
  }
  getItem(key: string): string | null {
    return this.#kept.get(key) ?? null;
  }
  setItem(key: string, value: string): void {
    this.#kept.set(key, value);
  }
  removeItem(key: string): void {
    this.#kept.delete(key);
  }
  clear(): void {
    this.#kept.clear();
  }
}

const STORES: Readonly<Record<string, () => Store>> = {
  memory: memoryStore,
  "web storage": () => webStore(new FakeStorage()),
  IndexedDB: () => indexedDbStore(`test-${Math.random()}`),
};

for (const [name, make] of Object.entries(STORES))
  test(`${name}: what is set is there, by prefix too, until it is deleted`, async () => {
    const store = make();
    assert.deepEqual([await store.get("a/1"), await store.keys("")], [undefined, []]);
    await store.set("a/1", { n: 1, list: [null, "é"] });
    await store.set("a/2", "two");
    await store.set("b/1", 3);
    await store.set("a/1", { n: 2 });
    assert.deepEqual([await store.get("a/1"), await store.get("a/2")], [{ n: 2 }, "two"]);
    assert.deepEqual([...(await store.keys("a/"))].sort(), ["a/1", "a/2"]);
    await store.delete("a/1");
    await store.delete("never");
    assert.deepEqual([await store.get("a/1"), await store.keys("a/")], [undefined, ["a/2"]]);
  });

test("IndexedDB: another store of the same name reads what was set; a refusal is UNAVAILABLE", async () => {
  await indexedDbStore("shared").set("k", [1]);
  assert.deepEqual(await indexedDbStore("shared").get("k"), [1]);
  await assert.rejects(
    indexedDbStore("shared").set("f", () => 1),
    { name: "DataCloneError" },
  );
});

const settle = async (): Promise<void> =>
  new Promise((resolve) => {
    setImmediate(resolve);
  });

/** A store that refuses some keys, and tells what it took. */
function picky(): { store: Store; took: string[]; refuses: Set<string> } {
  const [took, refuses]: [string[], Set<string>] = [[], new Set()];
  const memory = memoryStore();
  const store: Store = {
    ...memory,
    set: async (key, value) => {
      if (refuses.has(key)) throw new Error("full");
      took.push(`${key}=${String(value)}`);
      return memory.set(key, value);
    },
  };
  return { store, took, refuses };
}

test("a keeper writes in order, and a value that was replaced before its turn not at all", async () => {
  const { store, took } = picky();
  const keeper = new Keeper({ store, prefix: "p/", clock: new HandClock() });
  for (const [key, value] of [
    ["a", 1],
    ["b", 1],
    ["a", 2],
    ["c", 1],
  ] as const)
    keeper.set(key, value);
  await settle();
  // The first one was on its way already when it was replaced.
  assert.deepEqual(took, ["p/a=1", "p/b=1", "p/a=2", "p/c=1"]);
  assert.deepEqual(Object.fromEntries(await keeper.read()), { a: 2, b: 1, c: 1 });
  for (const value of [3, 4]) keeper.set("b", value);
  keeper.set("a", 3);
  keeper.set("a", 4);
  await settle();
  assert.deepEqual(took.slice(4), ["p/b=3", "p/b=4", "p/a=4"]);
});

test("what the store refuses is told and written again; until then what was seen stays behind it", async () => {
  const { store, took, refuses } = picky();
  const keeper = new Keeper({ store, prefix: "p/", clock: new HandClock() });
  const errors: string[] = [];
  keeper.onWritten = (error) => errors.push(error instanceof Error ? error.message : String(error));
  refuses.add("p/row");
  keeper.set("row", 1);
  keeper.set(SEEN, 1);
  await settle();
  assert.deepEqual([took, errors], [[], ["full"]]);
  refuses.clear();
  keeper.set("other", 1);
  await settle();
  assert.deepEqual(
    [took, errors],
    [
      ["p/row=1", "p/seen=1", "p/other=1"],
      ["full", "undefined"],
    ],
  );
});
