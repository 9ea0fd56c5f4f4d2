import type { EventRow } from "./event-row.ts";
import assert from "node:assert/strict";
import { test } from "node:test";
import type { HistoryQuery } from "@jichat/protocol/bus/query.ts";
import type { BodyText } from "@jichat/protocol/frame/body.ts";
import type { EventRecord, LogRecord } from "@jichat/protocol/log/record.ts";
import type { ColdRows } from "./cold-rows.ts";
import { answerFromMemory, answerHistory } from "./history.ts";
import type { Lines } from "./lines.ts";
import { noRows } from "./rows.ts";
import type { Row } from "./store.ts";
import { Tail } from "./tail.ts";

const USERS = ["ann", "bob", "cid"];

/** mulberry32: the same numbers for the same seed. */
function numbers(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) % below;
  };
}

/** What ClickHouse makes of them. */
const rowsOf = (lines: Lines): Row[] =>
  lines
    .toString()
    .split("\n")
    .filter((line) => line !== "")
    .map((line) =>
      Object.fromEntries(
        (JSON.parse(line) as unknown[]).map((value, index) => [lines.columns[index] ?? "", value]),
      ),
    );

/** ClickHouse as far as pages need it: what was flushed, read after a wait that the test may lengthen. */
class FakeCold {
  readonly rows = noRows();
  gate: Promise<void> = Promise.resolve();

  get asColdRows(): ColdRows {
    const of = (lines: Lines, conversation: string): Row[] =>
      rowsOf(lines).filter((row) => row["conversation"] === conversation);
    const pages = {
      events: async (conversation: string, first: number, last: number) => {
        await this.gate;
        return of(this.rows.events, conversation).filter(
          ({ seq }) => Number(seq) >= first && Number(seq) <= last,
        ) as unknown as EventRow[];
      },
      changes: async (conversation: string, targets: readonly number[], upTo: number) => {
        await this.gate;
        return of(this.rows.edits, conversation).filter(
          ({ target, seq }) => targets.includes(Number(target)) && Number(seq) <= upTo,
        ) as never;
      },
    };
    const outlines = {
      of: async (conversation: string) => {
        return {
          lifecycle: of(this.rows.lifecycle, conversation),
          head: of(this.rows.heads, conversation).at(-1),
        };
      },
    };
    return { pages, outlines, marks: { of: async () => [] } } as unknown as ColdRows;
  }
}

/** A conversation's life: people write, edit, recall, come and go. */
class Life {
  readonly tail: Tail;
  readonly cold = new FakeCold();
  readonly #next: (below: number) => number;
  readonly #members = new Set(USERS);
  readonly #recalled = new Set<number>();
  #seq = 0;
  #no = 0;
  #position = 0;

  constructor(next: (below: number) => number, recentBytes: number) {
    this.#next = next;
    this.tail = new Tail(0, 0, recentBytes);
    this.#add({ kind: "created", users: USERS, name: "g" });
  }

  #add(what: Partial<EventRecord> & Pick<EventRecord, "kind">): void {
    this.#seq += 1;
    if (what.kind === "message") this.#no += 1;
    this.#position += 1;
    const record = {
      r: "event",
      conversation: "g_1",
      seq: this.#seq,
      no: this.#no,
      from: "ann",
      ts: this.#seq,
      device: "d",
      session: "s",
      ...what,
    } as unknown as LogRecord;
    const batch = { v: 1, owner: "o", number: 1, done: 0, ts: 1, records: [record] } as never;
    this.tail.add({ position: this.#position, batch });
  }

  step(): void {
    const what = this.#next(10);
    const target = 1 + this.#next(this.#seq);
    const user = USERS[this.#next(USERS.length)] ?? "";
    const body = JSON.stringify({ at: this.#seq }) as BodyText;
    if (what < 5) this.#add({ kind: "message", body });
    else if (what < 8) this.#change(what < 7 ? "edited" : "recalled", target, body);
    else if (this.#members.has(user)) {
      this.#members.delete(user);
      this.#add({ kind: "left", users: [user] });
    } else {
      this.#members.add(user);
      this.#add({ kind: "joined", users: [user] });
    }
  }

  /** As owners allow it: what was recalled is not changed again. */
  #change(kind: "edited" | "recalled", target: number, body: BodyText): void {
    if (this.#recalled.has(target)) return;
    if (kind === "recalled") this.#recalled.add(target);
    this.#add(kind === "edited" ? { kind, target, body } : { kind, target });
  }

  flush(): void {
    const run = this.tail.cut();
    if (run === undefined) return;
    run.addTo(this.cold.rows);
    this.tail.written(run);
  }

  query(): HistoryQuery {
    const limit = 1 + this.#next(20);
    const at = 1 + this.#next(this.#seq + 2);
    const where = [{}, {}, { before: at }, { after: at }][this.#next(4)];
    const user = USERS[this.#next(USERS.length)] ?? "";
    return {
      v: 1,
      q: "history",
      partition: 0,
      position: 0,
      user,
      conversation: "g_1",
      limit,
      ...where,
    };
  }
}

async function answered(act: () => unknown): Promise<unknown> {
  try {
    return await act();
  } catch (error) {
    return { refused: (error as { code?: string }).code };
  }
}

test("a page from memory equals the page from ClickHouse during any writes, flushes and edits", async () => {
  let hot = 0;
  for (let seed = 1; seed <= 60; seed += 1) {
    const next = numbers(seed);
    const life = new Life(next, 1_000_000);
    for (let round = 0; round < 80; round += 1) {
      for (let i = next(6); i > 0; i -= 1) life.step();
      if (next(3) === 0) life.flush();
      // A page is read slowly while life goes on: what is kept of it must have caught up.
      const { promise, resolve } = Promise.withResolvers<void>();
      life.cold.gate = promise;
      const slow = answered(async () => answerHistory(life.cold.asColdRows, life.tail, life.query()));
      // Members and head are known by now, or not yet.
      if (next(2) === 0) await new Promise(setImmediate);
      for (let i = next(4); i > 0; i -= 1) {
        life.step();
        if (next(3) === 0) life.flush();
      }
      resolve();
      await slow;
      const query = life.query();
      const memory = answerFromMemory(life.tail, query);
      if (memory === undefined) continue;
      hot += 1;
      const whole = await answered(async () => answerHistory(life.cold.asColdRows, life.tail, query));
      assert.deepEqual(memory, whole, `seed ${seed}, round ${round}, ${JSON.stringify(query)}`);
    }
  }
  assert.ok(hot > 500, `only ${hot} pages came from memory`);
});

test("the memory is bounded, and the conversation that was asked for last stays", async () => {
  const life = new Life(numbers(1), 3_000);
  for (let i = 0; i < 4; i += 1) life.step();
  const query = { ...life.query(), user: "ann", limit: 20, before: undefined, after: undefined };
  await answered(async () => answerHistory(life.cold.asColdRows, life.tail, query));
  assert.ok(life.tail.recents.bytes > 0);
  for (let i = 0; i < 200; i += 1) {
    life.step();
    assert.ok(life.tail.recents.bytes <= 3_000);
  }
  assert.equal(life.tail.recents.bytes, 0, "it has outgrown the bound and is gone");
});
