import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import type { ListEntry } from "@jichat/protocol/bus/query.ts";
import type { LogRecord } from "@jichat/protocol/log/record.ts";
import { needChdb } from "@jichat/testkit/needs.ts";
import { writeRuns } from "../src/batch-writer.ts";
import { CarefulInsert } from "../src/careful-insert.ts";
import { connectClickHouse } from "../src/clickhouse.ts";
import { answerList } from "../src/cold-lists.ts";
import { ColdRows } from "../src/cold-rows.ts";
import { Folded } from "../src/fold.ts";
import { migrate } from "../src/migrations.ts";
import type { Store } from "../src/store.ts";
import { Tail } from "../src/tail.ts";

const PARTITION = 3;
const USERS = ["ann", "bob", "eve", "joe", "kim"];
const CONVERSATIONS = 40;
const ROUNDS = 12;
const RECORDS_PER_ROUND = 100;

let folder: string;
let store: Store;

before(async () => {
  folder = mkdtempSync(join(tmpdir(), "jichat-lists-"));
  store = await connectClickHouse({ embeddedPath: folder, chdbHome: await needChdb() }, "lists");
  await migrate(store);
});
after(async () => {
  await store?.close();
  rmSync(folder, { recursive: true, force: true });
});

/** The same numbers at each run. */
function diceOf(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

/** Writes what happens in conversations; remembers all of it, as no storage does. */
class Script {
  readonly #dice = diceOf(21);
  readonly #heads = new Map<string, number>();
  /** How far each who is in there has read. */
  readonly #members = new Map<string, Map<string, number>>();
  readonly all = new Map<string, { record: LogRecord; position: number }[]>();
  position = 0;

  next(tail: Tail): void {
    const conversation = `g_${this.#dice(CONVERSATIONS)}`;
    const head = this.#heads.get(conversation) ?? 0;
    const record = this.#recordOf(conversation, head, USERS[this.#dice(USERS.length)] ?? "");
    this.position += 1;
    if (record.r === "event") this.#heads.set(conversation, head + 1);
    this.all.set(conversation, [...(this.all.get(conversation) ?? []), { record, position: this.position }]);
    tail.add({
      position: this.position,
      batch: { v: 1, owner: "o", number: 1, done: 0, ts: 1, records: [record] } as never,
    });
  }

  /** As owners decide: only members write, only others are brought in, and a mark moves forward. */
  #recordOf(conversation: string, head: number, user: string): LogRecord {
    const at = { conversation, seq: head + 1, no: head, ts: 1_000 + this.position, from: user };
    const event = (what: object) => ({ r: "event", ...at, device: "d", session: "s", ...what }) as LogRecord;
    const members = this.#members.get(conversation);
    if (members === undefined) {
      const users = USERS.slice(0, 3);
      this.#members.set(conversation, new Map(users.map((one) => [one, 1])));
      return event({ kind: "created", users, name: conversation });
    }
    const read = members.get(user);
    members.set(user, head + 1);
    if (read === undefined) return event({ kind: "joined", users: [user] });
    switch (this.#dice(6)) {
      case 0:
        members.delete(user);
        return event({ kind: "left", users: [user] });
      case 1:
        members.set(user, head);
        if (read < head) return { r: "mark", conversation, user, seq: head, no: head - 1, session: "s" };
        return event({ kind: "renamed", name: `${head}` });
      case 2: {
        members.set(user, read);
        const muted = [undefined, {}, { until: this.position }][this.#dice(3)];
        const about = { conversation, user, id: `s${this.position}`, seq: head, ts: at.ts };
        return { r: "setting", ...about, ...(muted === undefined ? {} : { settings: { muted } }) };
      }
      default:
        return event({ kind: "message", id: `m${this.position}`, body: `{"n":${this.position}}` });
    }
  }
}

/** What the whole log says of one user's list. */
function expectedOf(script: Script, user: string): { entries: ListEntry[]; heads: object[] } {
  const entries: ListEntry[] = [];
  const heads: object[] = [];
  for (const [conversation, records] of [...script.all].sort(([a], [b]) => (a < b ? -1 : 1))) {
    const folded = new Folded(conversation);
    folded.records(records);
    const member = folded.members.get(user);
    if (member === undefined) continue;
    entries.push({ conversation, ...member });
    if (member.left === undefined) heads.push({ conversation, position: folded.position, ts: folded.ts });
  }
  return { entries, heads };
}

test("a list equals the whole log, for any division between ClickHouse, the tail and inserts in flight", async () => {
  const tail = new Tail(PARTITION, 0, 0);
  const script = new Script();
  const cold = new ColdRows(store);
  const careful = new CarefulInsert(store);
  const compare = async (): Promise<void> => {
    for (const user of [...USERS, "nobody"])
      assert.deepEqual(await answerList(cold, tail, { user, brief: true }), expectedOf(script, user));
  };
  for (let round = 0; round < ROUNDS; round += 1) {
    for (let count = 0; count < RECORDS_PER_ROUND; count += 1) script.next(tail);
    await compare();
    const run = tail.cut() ?? assert.fail();
    script.next(tail);
    await compare();
    await writeRuns([run], store, careful);
    await compare();
    tail.written(run);
    await compare();
  }
  const some = expectedOf(script, "ann");
  assert.ok(some.entries.length > some.heads.length && some.heads.length > 5);
  assert.ok(some.entries.some(({ settings }) => settings !== undefined));
});
