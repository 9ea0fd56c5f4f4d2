import { decodeBatch } from "@jichat/protocol/log/encode-batch.ts";
import assert from "node:assert/strict";
import { test } from "node:test";
import type { Command } from "@jichat/conversation/command.ts";
import type { Answer } from "@jichat/protocol/bus/command.ts";
import type { Clock } from "@jichat/protocol/clock.ts";
import { systemClock } from "@jichat/protocol/clock.ts";
import { ChatError } from "@jichat/protocol/errors.ts";
import type { Batch } from "@jichat/protocol/log/record.ts";
import type { Fault } from "@jichat/protocol/faults.ts";
import { STOPPED_MS, faultsOf } from "./faults.ts";
import { AppendRefused, OwnershipLost, appendFenced } from "@jichat/log/fenced-append.ts";
import { Owner } from "./owner.ts";
import type { OwnerWorld } from "./owner.ts";
import type { Request } from "./partition.ts";
import type { Log } from "./ports.ts";
import { NOBODY_ONLINE } from "../test/stand-ins.ts";

type Result = Awaited<ReturnType<Log["append"]>>;
type Offer = (request: Request) => boolean;

const tooLarge = (): Result => ({ outcome: "refused", error: new ChatError("FRAME_TOO_LARGE", "too large") });
const denied = (): Result => ({ outcome: "refused", error: new ChatError("UNAVAILABLE", "not permitted") });

/** A log in memory; `answer` says what becomes of an append that does not go well. */
class MemoryLog implements Log {
  readonly batches: Batch[] = [];
  appends = 0;
  answer: (bytes: Uint8Array) => Promise<Result> | Result | undefined = () => undefined;
  async append(bytes: Uint8Array, expected: number): Promise<Result> {
    this.appends += 1;
    const told = await this.answer(bytes);
    if (told !== undefined) return told;
    if (expected !== this.batches.length) return { outcome: "sequence" };
    this.batches.push(decodeBatch(bytes));
    return { outcome: "stored", position: this.batches.length };
  }
  first = async (): Promise<number> => 1;
  end = async (): Promise<number> => this.batches.length;
  at = async (position: number): Promise<Batch | undefined> => this.batches[position - 1];
  async *range(from: number, to: number): AsyncGenerator<{ position: number; batch: Batch }> {
    for (let position = from; position <= to; position += 1) {
      const batch = this.batches[position - 1];
      if (batch !== undefined) yield { position, batch };
    }
  }
}

/** A thousand times as fast. */
const quick: Clock = { ...systemClock, sleep: (ms, signal) => systemClock.sleep(ms / 1_000, signal) };

function ownerOf(log: Log): { owner: Owner; offer: () => Offer | undefined; warned: string[] } {
  let offer: Offer | undefined;
  const warned: string[] = [];
  const world: OwnerWorld = {
    partition: 0,
    clock: quick,
    log,
    facts: {
      ask: async () => ({ conversations: [], ids: [], events: [] }),
      watermark: () => 0,
    },
    ...NOBODY_ONLINE,
    isFull: () => false,
    loadSnapshot: async () => undefined,
    saveSnapshot: async () => undefined,
    serve: (given) => {
      offer = given;
      return () => {
        offer = undefined;
      };
    },
    warn: (what) => warned.push(what),
  };
  return { owner: new Owner(world), offer: () => offer, warned };
}

/** As a lane does it: again where nothing was said of it, the `later` ones in the next batch. */
async function exchange(offer: () => Offer | undefined, commands: readonly Command[]): Promise<Answer[]> {
  const answers = new Map<Command, Answer>();
  let waiting = commands;
  while (waiting.length > 0) {
    const asked = waiting;
    const bytes = JSON.stringify(asked).length;
    const told = await new Promise<readonly Answer[]>((resolve) => {
      const decline = (): void => {
        setTimeout(() => {
          resolve(asked.map(() => "later"));
        }, 1);
      };
      if (offer()?.({ commands: asked, bytes, answer: resolve, decline }) !== true) decline();
    });
    asked.forEach((command, index) => answers.set(command, told[index] ?? "later"));
    waiting = asked.filter((command) => answers.get(command) === "later");
  }
  return commands.map((command) => answers.get(command) ?? "later");
}

const source = { conversation: "g_1", user: "ann", device: "d", session: "s" };
const create: Command = { ...source, op: "create", id: "c", name: "G", members: ["bob"] };
const rename = (id: string, name: string): Command => ({ ...source, op: "rename", id, name });
const codes = (answers: readonly Answer[]): string[] =>
  answers.map((answer) => (typeof answer !== "object" ? answer : "code" in answer ? answer.code : "taken"));

const batch = { v: 1, owner: "o", number: 1, done: 0, ts: 1, records: [] } as const;
const append = (log: Log): Promise<number> =>
  appendFenced(log, {
    batch,
    bytes: new TextEncoder().encode(JSON.stringify(batch)),
    expected: 0,
    clock: quick,
    signal: new AbortController().signal,
  });

test("an append that the log refuses for good is not repeated", async () => {
  const log = new MemoryLog();
  log.answer = tooLarge;
  await assert.rejects(append(log), AppendRefused);
  assert.equal(log.appends, 1);
});

test("a refusal ends the reign without an answer if an earlier attempt may still arrive", async () => {
  const log = new MemoryLog();
  log.answer = async () => {
    if (log.appends === 1) throw new Error("no answer");
    return denied();
  };
  await assert.rejects(append(log), OwnershipLost);
  assert.equal(log.appends, 2);
});

test("a refused append counts as stored if an earlier attempt of it was stored", async () => {
  const log = new MemoryLog();
  log.answer = async () => {
    if (log.appends > 1) return denied();
    log.batches.push(batch);
    throw new Error("no answer");
  };
  assert.equal(await append(log), 1);
});

test("a log with a smaller limit than expected splits batches that are too large, and a single large command is refused", async () => {
  const log = new MemoryLog();
  log.answer = (bytes) => (bytes.length > 3_000 ? tooLarge() : undefined);
  const { owner, offer } = ownerOf(log);
  owner.start();
  const names = Array.from({ length: 100 }, (_, index) => rename(`r${index}`, "\u0001".repeat(60)));
  const answers = await exchange(offer, [
    create,
    ...names,
    rename("large", "n".repeat(2_500)),
    rename("huge", "n".repeat(4_000)),
    rename("z", "n"),
  ]);
  assert.deepEqual(codes(answers), [
    "taken",
    ...names.map(() => "taken"),
    "taken",
    "FRAME_TOO_LARGE",
    "taken",
  ]);
  const stored = log.batches.flatMap(({ records }) =>
    records.flatMap((record) => (record.r === "event" ? [record.id ?? ""] : [])),
  );
  assert.deepEqual(stored, [
    "c",
    ...names.map((command) => ("id" in command ? command.id : "")),
    "large",
    "z",
  ]);
  await owner.stop();
});

test("a partition whose log refuses writes answers UNAVAILABLE, rests, and goes on once the log accepts them", async () => {
  const log = new MemoryLog();
  const { owner, offer, warned } = ownerOf(log);
  owner.start();
  assert.deepEqual(codes(await exchange(offer, [create])), ["taken"]);
  log.answer = denied;
  assert.deepEqual(codes(await exchange(offer, [rename("a", "n"), rename("b", "n")])), [
    "UNAVAILABLE",
    "UNAVAILABLE",
  ]);
  await systemClock.sleep(30);
  assert.equal(warned.filter((what) => what.startsWith("AppendRefused")).length, 1, "said once");
  const soon = systemClock.monotonic() + STOPPED_MS;
  const faults = (): readonly Fault[] =>
    faultsOf(new Map([[3, owner]]), { isFull: () => false, behindSince: () => undefined }, soon);
  const [fault] = faults();
  assert.deepEqual([fault?.fault, fault?.partitions], ["PartitionStopped", [3]]);
  assert.match(fault?.why ?? "", /the log refuses an append/);
  log.answer = () => undefined;
  assert.deepEqual(codes(await exchange(offer, [rename("a", "n")])), ["taken"]);
  assert.deepEqual(faults(), []);
  await owner.stop();
});

for (const [what, answer] of [
  ["is tried for ever", () => Promise.reject(new Error("no answer"))],
  ["hangs", () => new Promise<Result>(() => undefined)],
] as const)
  test(
    `a stop ends while an append ${what}, and its request is declined or not answered`,
    { timeout: 10_000 },
    async () => {
      const log = new MemoryLog();
      const { owner, offer } = ownerOf(log);
      owner.start();
      await exchange(offer, [create]);
      log.answer = answer;
      let told: readonly Answer[] | undefined;
      offer()?.({
        commands: [rename("a", "n")],
        bytes: 100,
        answer: (answers) => {
          told = answers;
        },
        decline: () => undefined,
      });
      await systemClock.sleep(5);
      assert.equal(owner.stuckMs, 0, "it waits for a backend");
      assert.ok((owner.appendSince ?? 0) > 0);
      await owner.stop();
      assert.equal(owner.state, "stopped");
      assert.equal(told, undefined);
    },
  );
