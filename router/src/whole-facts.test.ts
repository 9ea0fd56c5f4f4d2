import assert from "node:assert/strict";
import { test } from "node:test";
import type { ConversationFacts, FactsReply, MemberFacts } from "@jichat/protocol/bus/query.ts";
import { ChatError } from "@jichat/protocol/errors.ts";
import type { AskFacts, FactsQuestion } from "./whole-facts.ts";
import { wholeFacts } from "./whole-facts.ts";

const QUESTION: FactsQuestion = { position: 7, conversations: ["g_1", "g_2"], ids: [], events: [] };
const PAGE = 3;

/** Storage with groups of so many members each; `heads` are told one after the other, the last for ever. */
function storageOf(sizes: Readonly<Record<string, number>>, heads: number[] = [1]) {
  const asked: FactsQuestion[] = [];
  const pageOf = (
    conversation: string,
    after: string,
  ): { members: MemberFacts[]; next: string | undefined } => {
    const users = Array.from({ length: sizes[conversation] ?? 0 }, (_, index) => `u${index}`).sort();
    const left = users.filter((user) => user > after);
    const members = left.slice(0, PAGE).map((user) => ({ user, first: 1, mark: 1, markNo: 0 }));
    return { members, next: left.length > PAGE ? members.at(-1)?.user : undefined };
  };
  const ask: AskFacts = async (question): Promise<FactsReply> => {
    asked.push(question);
    const head = (heads.length > 1 ? heads.shift() : heads[0]) ?? 0;
    return {
      ids: [],
      events: [],
      conversations: question.conversations.map((conversation): ConversationFacts => {
        const { members, next } = pageOf(conversation, "");
        const facts = {
          conversation,
          kind: "group",
          creator: "u0",
          head,
          no: 0,
          ts: 0,
          position: 1,
        } as const;
        return { ...facts, members, membersNext: next, idsFrom: 0, ids: [] };
      }),
      members: (question.members ?? []).map(({ conversation, after }) => {
        const { members, next } = pageOf(conversation, after);
        return { conversation, head, members, membersNext: next };
      }),
    };
  };
  return { ask, asked };
}

const countsOf = ({ conversations }: FactsReply): readonly number[] =>
  conversations.map(({ members }) => new Set(members.map(({ user }) => user)).size);

test("facts that fit into one answer take one question, at the position that was named", async () => {
  const { ask, asked } = storageOf({ g_1: PAGE, g_2: 1 });
  assert.deepEqual(countsOf(await wholeFacts(ask, QUESTION)), [PAGE, 1]);
  assert.deepEqual(asked, [{ ...QUESTION, isPaged: true }]);
});

test("all members of a group arrive once each, over as many pages as needed", async () => {
  for (const size of [PAGE + 1, 2 * PAGE, 2 * PAGE + 1, 20]) {
    const { ask, asked } = storageOf({ g_1: size, g_2: 1 });
    const reply = await wholeFacts(ask, QUESTION);
    assert.deepEqual(countsOf(reply), [size, 1]);
    assert.equal(reply.conversations[0]?.membersNext, undefined);
    assert.equal(asked.length, Math.ceil(size / PAGE));
    assert.ok(asked.every(({ position }) => position === 7));
  }
});

test("a group that changes between two pages is read again from the start", async () => {
  const { ask } = storageOf({ g_1: 5, g_2: 1 }, [1, 2, 2]);
  const reply = await wholeFacts(ask, QUESTION);
  assert.deepEqual(countsOf(reply), [5, 1]);
  assert.equal(reply.conversations[0]?.head, 2);
});

test("a group that changes all the time is answered with UNAVAILABLE in the end", async () => {
  const { ask } = storageOf(
    { g_1: 5, g_2: 1 },
    Array.from({ length: 50 }, (_, head) => head),
  );
  await assert.rejects(
    wholeFacts(ask, QUESTION),
    (error) => error instanceof ChatError && error.code === "UNAVAILABLE",
  );
});
