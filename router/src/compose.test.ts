import assert from "node:assert/strict";
import { test } from "node:test";
import type { Command } from "@jichat/conversation/command.ts";
import type { Answer } from "@jichat/protocol/bus/command.ts";
import type { BodyText } from "@jichat/protocol/frame/body.ts";
import { BATCH_BYTES_MAX, READERSHIP_BYTES_MAX } from "@jichat/protocol/limits.ts";
import { nameBytes } from "./audience.ts";
import { batchSizeOf } from "./batch-room.ts";
import { compose } from "./compose.ts";
import type { EffectUnit } from "./effect-unit.ts";
import { PartitionState } from "./partition-state.ts";

const NOW = 1_800_000_000_000;
const GROUPS = 40;

const source = (conversation: string) => ({
  conversation,
  user: "ann",
  device: "d",
  session: `s-${conversation}`,
});
const members = (group: number): string[] =>
  Array.from({ length: 999 }, (_, index) => `${group}-${index}`.padEnd(36, "u"));
const create = (group: number): Command => ({
  ...source(`g_${group}`),
  op: "create",
  id: "c",
  name: "G",
  members: members(group),
});
const say = (conversation: string, id: string, more: object = {}): Command => ({
  ...source(conversation),
  op: "send",
  id,
  body: "{}" as BodyText,
  ...more,
});

const nobodyWaits = {
  conversation: () => assert.fail("all are hot"),
  need: () => assert.fail("nothing is needed"),
};

/** Names in one message to a connector that holds everybody. */
function namesOf(effects: EffectUnit): number {
  return [...new Set(effects.events.map(({ recipients }) => recipients))].reduce(
    (n, users) => n + nameBytes(users),
    0,
  );
}

/** Sends what was answered `later` again until nothing is; how many batches it took. */
function play(state: PartitionState, commands: readonly Command[]): { batches: number; answers: Answer[] } {
  const answers: Answer[] = [];
  let [waiting, batches] = [commands, 0];
  while (waiting.length > 0) {
    batches += 1;
    const composed = compose(state, [waiting], {
      position: batches,
      now: NOW,
      logIsFull: false,
      waiting: nobodyWaits,
      batchSize: batchSizeOf(BATCH_BYTES_MAX),
    });
    assert.ok(namesOf(composed.effects) <= READERSHIP_BYTES_MAX, `batch ${batches}`);
    const told = composed.answers[0] ?? [];
    const again = waiting.filter((_, index) => told[index] === "later");
    assert.ok(again.length < waiting.length, "each batch takes something");
    answers.push(...told.filter((answer) => answer !== "later"));
    waiting = again;
  }
  return { batches, answers };
}

test("a batch ends where the names of its readers would exceed one message, and the rest is answered `later`", () => {
  const state = new PartitionState();
  const groups = Array.from({ length: GROUPS }, (_, group) => `g_${group}`);
  for (const id of [...groups, "d_1"]) state.load(id, undefined);

  const made = play(
    state,
    groups.map((_, group) => create(group)),
  );
  assert.ok(made.batches >= (GROUPS * 999 * 39) / READERSHIP_BYTES_MAX);
  assert.equal(made.answers.length, GROUPS);

  const talk = [1, 2, 3].flatMap((round) => groups.map((id) => say(id, `m${round}`)));
  const said = play(state, [...talk, say("d_1", "m", { to: "bob" })]);
  assert.equal(said.batches, Math.ceil(GROUPS / Math.floor(READERSHIP_BYTES_MAX / (999 * 39 + 6))));
  assert.ok(said.answers.every((answer) => typeof answer === "object" && "seq" in answer));

  const invites = groups.map((id): Command => ({
    ...source(id),
    op: "remove",
    id: "r",
    users: [members(Number(id.slice(2)))[0] ?? ""],
  }));
  assert.equal(play(state, invites).answers.length, GROUPS);
});

test("a command that reaches no reader does not wait for room among the readers", () => {
  const state = new PartitionState();
  for (let group = 0; group < 10; group += 1) state.load(`g_${group}`, undefined);
  play(
    state,
    Array.from({ length: 10 }, (_, group) => create(group)),
  );
  const said = Array.from({ length: 10 }, (_, group) => say(`g_${group}`, "m"));
  const reads = said.map(({ conversation }): Command => ({
    ...source(conversation),
    session: "other",
    op: "read",
    seq: 1,
  }));
  const { answers } = compose(state, [said, reads], {
    position: 1_000,
    now: NOW,
    logIsFull: false,
    waiting: nobodyWaits,
    batchSize: batchSizeOf(BATCH_BYTES_MAX),
  });
  assert.ok(answers[0]?.includes("later"));
  assert.ok(!answers[1]?.includes("later"));
});
