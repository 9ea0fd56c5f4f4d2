import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { Command } from "@jichat/conversation/command.ts";
import type { Answer } from "@jichat/protocol/bus/command.ts";
import type { BodyText } from "@jichat/protocol/frame/body.ts";
import { BATCH_BYTES_MAX } from "@jichat/protocol/limits.ts";
import { encodeBatch, encodeRecord, recordBytesMax } from "@jichat/protocol/log/encode-batch.ts";
import type { LogRecord } from "@jichat/protocol/log/record.ts";
import { batchSizeOf } from "./batch-room.ts";
import { compose } from "./compose.ts";
import { PartitionState } from "./partition-state.ts";

const NOW = 1_800_000_000_000;
const PEOPLE = Array.from({ length: 1_000 }, (_, index) => String(index).padEnd(64, "u"));
const HEAD = {
  v: 1,
  owner: "o".repeat(16),
  number: Number.MAX_SAFE_INTEGER,
  done: Number.MAX_SAFE_INTEGER,
  ts: NOW,
} as const;
const nobodyWaits = {
  conversation: () => assert.fail("all are hot"),
  need: () => assert.fail("nothing is needed"),
};

/** Text as it may come in: plain, escaped to six bytes a character, of four bytes, half a surrogate pair. */
const text = (most: number): fc.Arbitrary<string> =>
  fc
    .tuple(
      fc.constantFrom("a", '"', "\\", "\u0001", "水", "😀", "\ud83d", "\u2028"),
      fc.integer({ min: 1, max: most }),
    )
    .map(([unit, length]) => unit.repeat(length).slice(0, length));
type Made = (conversation: string, id: string) => Command;
const source = (conversation: string) => ({
  conversation,
  user: "ann",
  device: "d".repeat(64),
  session: "s".repeat(64),
});
const anyCommand: fc.Arbitrary<Made> = fc.oneof(
  {
    weight: 4,
    arbitrary: text(128).map((name): Made => (c, id) => ({ ...source(c), op: "rename", id, name })),
  },
  {
    weight: 2,
    arbitrary: fc.tuple(text(8_192), fc.nat(1_000)).map(([body, count]): Made => (c, id) => ({
      ...source(c),
      op: "send",
      id,
      body: body as BodyText,
      mentions: PEOPLE.slice(0, count),
    })),
  },
  fc.nat(900).map((count): Made => (c, id) => ({
    ...source(c),
    op: "invite",
    id,
    users: PEOPLE.slice(0, count),
  })),
  fc.nat(900).map((count): Made => (c, id) => ({
    ...source(c),
    op: "remove",
    id,
    users: PEOPLE.slice(0, count),
  })),
);
const idOf = (index: number): string => `${index} ${'"'.repeat(58)}`;

/** Composes until nothing is `later`; what stands in the log then, and what everybody was told. */
function play(
  commands: readonly Command[],
  limit: number,
): { log: LogRecord[]; answers: Map<string, Answer> } {
  const state = new PartitionState();
  for (const { conversation } of commands)
    if (state.get(conversation) === undefined) state.load(conversation, undefined);
  const log: LogRecord[] = [];
  const answers = new Map<string, Answer>();
  let waiting = commands;
  for (let position = 1; waiting.length > 0; position += 1) {
    const composed = compose(state, [waiting], {
      position,
      now: NOW,
      logIsFull: false,
      waiting: nobodyWaits,
      batchSize: batchSizeOf(limit),
    });
    const bytes = encodeBatch({ ...HEAD, records: composed.records }, composed.texts);
    assert.deepEqual(bytes, encodeBatch({ ...HEAD, records: composed.records }));
    assert.ok(bytes.length <= limit, `${bytes.length} bytes of ${limit}`);
    for (const record of composed.records) assert.ok(encodeRecord(record).bytes <= recordBytesMax(record));
    log.push(...composed.records);
    const told = composed.answers[0] ?? [];
    const again = waiting.filter((_, index) => told[index] === "later");
    assert.ok(again.length < waiting.length, "each batch decides something");
    waiting.forEach((command, index) => {
      const answer = told[index];
      if (answer !== undefined && answer !== "later" && "id" in command) answers.set(command.id, answer);
    });
    waiting = again;
  }
  return { log, answers };
}

const codeOf = (answer: Answer | undefined): string =>
  typeof answer !== "object" ? "none" : "code" in answer ? answer.code : "taken";

const create = (conversation: string): Command => ({
  ...source(conversation),
  op: "create",
  id: "c",
  name: "G",
  members: ["bob"],
});

test("an encoded batch stays within its bound for any commands, and every command is decided in order", () => {
  fc.assert(
    fc.property(
      fc.array(fc.tuple(anyCommand, fc.nat(2)), { minLength: 1, maxLength: 60 }),
      fc.constantFrom(BATCH_BYTES_MAX, 100_000, 20_000),
      (makes, limit) => {
        const commands = makes.map(([make, group], index) => make(`g_${group}`, idOf(index)));
        const { log, answers } = play([create("g_0"), create("g_1"), create("g_2"), ...commands], limit);
        for (const [index] of commands.entries()) assert.ok(answers.has(idOf(index)));
        for (const group of ["g_0", "g_1", "g_2"]) {
          const ids = log.flatMap((record) =>
            record.conversation === group && record.r !== "mark" && record.id !== "c"
              ? [Number.parseInt(record.id ?? "", 10)]
              : [],
          );
          assert.deepEqual(
            ids,
            ids.toSorted((a, b) => a - b),
          );
        }
      },
    ),
    { numRuns: 60 },
  );
});

test("forty times a hundred names of control characters under ids of quotes are split over batches, and all are accepted", () => {
  const renames = Array.from({ length: 4_000 }, (_, index): Command => ({
    ...source("g_1"),
    op: "rename",
    id: idOf(index),
    name: "\u0001".repeat(128),
  }));
  const { answers } = play([create("g_1"), ...renames], BATCH_BYTES_MAX);
  assert.equal(answers.size, 4_001);
  for (const answer of answers.values()) assert.equal(codeOf(answer), "taken");
});

test("a command one byte over the limit of a batch is refused with the size, and its neighbours are accepted", () => {
  const rename = (id: string, name: string): Command => ({ ...source("g_1"), op: "rename", id, name });
  const told = (length: number) =>
    play([create("g_1"), rename("a", "n".repeat(length)), rename("b", "n")], 4_096).answers;
  let length = 1;
  while (length < 4_096 && codeOf(told(length).get("a")) === "taken") length += 1;
  assert.ok(length > 3_000 && length < 4_096, `${length}`);
  const answers = told(length);
  assert.equal(codeOf(answers.get("a")), "FRAME_TOO_LARGE");
  assert.equal(codeOf(answers.get("b")), "taken");
});
