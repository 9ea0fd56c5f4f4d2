import assert from "node:assert/strict";
import { test } from "node:test";
import { systemClock } from "@jichat/protocol/clock.ts";
import type { ConversationFacts, FactsReply } from "@jichat/protocol/bus/query.ts";
import { ColdLoads } from "./cold-loads.ts";
import type { Decidable } from "./decide.ts";
import { decide } from "./decide.ts";
import { PartitionState } from "./partition-state.ts";

const NOW = 1_800_000_000_000;
const facts: ConversationFacts = {
  conversation: "g_1",
  kind: "group",
  creator: "ann",
  head: 9,
  no: 8,
  ts: NOW,
  position: 9,
  members: [{ user: "ann", first: 1, mark: 9, markNo: 8 }],
  idsFrom: 0,
  ids: [],
};
const fifth: FactsReply["events"][number] = {
  conversation: "g_1",
  seq: 5,
  no: 4,
  kind: "message",
  from: "ann",
  ts: NOW,
};
const at = (op: "recall" | "pin", id: string): Decidable => ({
  op,
  id: `01a312f7-4600-7000-8000-00000000000${id}`,
  conversation: "g_1",
  user: "ann",
  device: "d",
  session: "s",
  seq: 5,
});

test("a recall stays known when storage answers a question that was asked before it", async () => {
  const state = new PartitionState();
  const conversation = state.load("g_1", facts);
  const questions: ((reply: FactsReply) => void)[] = [];
  const ask = async (): Promise<FactsReply> => new Promise((resolve) => questions.push(resolve));
  const loads = new ColdLoads({ ask, watermark: () => 0 }, systemClock, state, () => undefined);
  const reply = { conversations: [], ids: [], events: [fifth] };
  const play = (op: "recall" | "pin", id: string): string => {
    const decision = decide(conversation, at(op, id), NOW);
    if ("refused" in decision) return decision.refused.code;
    if ("need" in decision) {
      loads.need("g_1", decision.need);
      return "need";
    }
    for (const record of decision.records) state.apply(conversation, record, 10);
    return decision.records.map((record) => (record.r === "event" ? record.kind : record.r)).join();
  };
  assert.equal(play("recall", "1"), "need");
  loads.ask(9);
  assert.equal(play("recall", "1"), "need", "it comes again while storage is asked");
  questions[0]?.(reply);
  await systemClock.sleep(0);
  loads.ask(9);
  assert.equal(questions.length, 2, "a batch was on its way when the answer came");
  loads.settle();
  assert.equal(play("recall", "1"), "recalled");
  questions[1]?.(reply);
  await systemClock.sleep(0);
  loads.settle();
  assert.equal(play("pin", "2"), "CONFLICT");
  assert.equal(play("recall", "3"), "CONFLICT");
});
