import assert from "node:assert/strict";
import { test } from "node:test";
import { Drafts } from "./drafts.ts";

function storage() {
  const kept = new Map<string, string>();
  return {
    kept,
    getItem: (key: string) => kept.get(key) ?? null,
    setItem: (key: string, text: string) => void kept.set(key, text),
    removeItem: (key: string) => void kept.delete(key),
  };
}

test("drafts survive a reload, for their user alone, and go when they are sent", () => {
  const store = storage();
  const drafts = new Drafts("ann", store);
  drafts.set("g_1", "begun");
  drafts.set("@ben", "hello");
  drafts.move("@ben", "d_2");
  assert.equal(new Drafts("ben", store).of("g_1"), "");
  const again = new Drafts("ann", store);
  assert.deepEqual([again.of("g_1"), again.of("@ben"), again.of("d_2")], ["begun", "", "hello"]);
  again.set("g_1", "");
  again.clear();
  assert.equal(store.kept.size, 0);
});

test("the latest fifty are kept; a full storage loses only the reload", (t) => {
  const store = storage();
  const drafts = new Drafts("ann", store);
  for (let i = 0; i <= 50; i += 1) drafts.set(`g_${i}`, "text");
  const again = new Drafts("ann", store);
  assert.deepEqual([again.of("g_0"), again.of("g_1")], ["", "text"]);
  t.mock.method(console, "warn", () => undefined);
  const full = new Drafts("ann", {
    ...store,
    setItem: () => {
      throw new Error("full");
    },
  });
  full.set("g_1", "still here");
  assert.equal(full.of("g_1"), "still here");
});
