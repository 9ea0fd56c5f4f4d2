import assert from "node:assert/strict";
import { test } from "node:test";
import { pagesOf, singlesOf } from "./cold-events.ts";
import type { Store } from "./store.ts";

interface Asked {
  readonly sql: string;
  readonly params: Readonly<Record<string, unknown>>;
}

const CONVERSATIONS = 40;
const EVENTS = 30;
const rows = Array.from({ length: CONVERSATIONS }, (_, c) =>
  Array.from({ length: EVENTS }, (__, at) => ({ conversation: `g_${c}`, seq: at + 1 })),
).flat();
const changes = rows
  .filter(({ seq }) => seq % 10 === 0)
  .map(({ conversation, seq }) => ({ conversation, target: seq, seq: seq + 1, kind: "edited", body: "{}" }));

/** Gives rows of every conversation that a query names: which of them a question meant is for the code to know. */
function storeOf(): { readonly store: Store; readonly asked: Asked[] } {
  const asked: Asked[] = [];
  const query = async (sql: string, params: Readonly<Record<string, unknown>>): Promise<unknown[]> => {
    asked.push({ sql, params });
    await new Promise((resolve) => setTimeout(resolve, 5));
    const named = new Set(Object.values(params).flat());
    return (sql.includes("{db}.edits") ? changes : rows).filter(({ conversation }) =>
      named.has(conversation),
    );
  };
  return { store: { query } as unknown as Store, asked };
}

test("many questions for the same pages take one query for 16 pages, with each page once", async () => {
  const { store, asked } = storeOf();
  const pages = pagesOf(store);
  const questions = Array.from({ length: 800 }, (_, at) => `g_${at % CONVERSATIONS}`);
  const answers = await Promise.all(
    questions.map(async (conversation) => pages.events(conversation, 11, 20)),
  );
  for (const [at, events] of answers.entries()) {
    assert.deepEqual(
      events.map(({ conversation, seq }) => `${conversation} ${seq}`),
      Array.from({ length: 10 }, (_, i) => `${questions[at]} ${i + 11}`),
    );
  }
  assert.equal(asked.length, Math.ceil(CONVERSATIONS / 16));
});

test("a question that arrives while a query runs is answered by a query that begins later", async () => {
  const { store, asked } = storeOf();
  const pages = pagesOf(store);
  const first = pages.events("g_1", 1, 5);
  await new Promise((resolve) => setTimeout(resolve, 2));
  const second = pages.events("g_1", 1, 5);
  await Promise.all([first, second]);
  assert.equal(asked.length, 2, "rows that were written since the first began are in the second");
});

test("the changes of a page are those of its targets, up to the asked position", async () => {
  const { store } = storeOf();
  const pages = pagesOf(store);
  assert.deepEqual(await pages.changes("g_1", [], 99), []);
  const found = await pages.changes("g_1", [10, 20, 21], 15);
  assert.deepEqual(
    found.map(({ target, seq }) => [target, seq]),
    [[10, 11]],
  );
});

test("the newest events of many lists take one query, and their changes take another", async () => {
  const { store, asked } = storeOf();
  const singles = singlesOf(store);
  const lists = Array.from({ length: 200 }, (_, at) => `g_${at % CONVERSATIONS}`);
  const heads = await Promise.all(
    lists.map(async (conversation) => [
      await singles.events(conversation, EVENTS, EVENTS),
      await singles.changes(conversation, [EVENTS], Number.MAX_SAFE_INTEGER),
    ]),
  );
  for (const [events = [], edits = []] of heads) assert.deepEqual([events.length, edits.length], [1, 1]);
  assert.ok(asked.length <= 4, `${asked.length} queries`);
  await assert.rejects(singles.events("g_1", 1, 2), /a range of events is asked for by a page/);
});
