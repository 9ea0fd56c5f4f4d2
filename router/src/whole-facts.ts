import type { ConversationFacts, FactsQuery, FactsReply, MemberFacts } from "@jichat/protocol/bus/query.ts";
import { ChatError } from "@jichat/protocol/errors.ts";

/** A question to storage without the fields that all questions of a partition share. */
export type FactsQuestion = Omit<FactsQuery, "v" | "q" | "partition">;
export type AskFacts = (question: FactsQuestion) => Promise<FactsReply>;

/** How often a conversation is asked for, if it changes while its members are read. */
const TRIES = 3;

/**
 * Storage's answer with all members of every conversation; members of a large group come in pages. Rejects
 * with UNAVAILABLE if a conversation changed between pages on every attempt.
 */
export async function wholeFacts(ask: AskFacts, question: FactsQuestion): Promise<FactsReply> {
  const reply = await ask({ ...question, isPaged: true });
  if (reply.conversations.every(({ membersNext }) => membersNext === undefined)) return reply;
  const conversations: ConversationFacts[] = [];
  for (const facts of reply.conversations)
    conversations.push(await withAllMembers(ask, question.position, facts));
  return { ...reply, conversations };
}

async function withAllMembers(
  ask: AskFacts,
  position: number,
  first: ConversationFacts,
): Promise<ConversationFacts> {
  let facts: ConversationFacts | undefined = first;
  for (let tries = 0; facts !== undefined && tries < TRIES; tries += 1) {
    const members = await membersOf(ask, position, facts);
    if (members !== undefined) return { ...facts, members, membersNext: undefined };
    const { conversation }: ConversationFacts = facts;
    const again = await ask({ position, conversations: [conversation], ids: [], events: [], isPaged: true });
    facts = again.conversations.find((one) => one.conversation === conversation);
  }
  throw new ChatError(
    "UNAVAILABLE",
    "the conversation changed each time while its members were read: send it again later",
    {
      retryAfterMs: 1_000,
    },
  );
}

/** All members; `undefined` if the conversation changed meanwhile. */
async function membersOf(
  ask: AskFacts,
  position: number,
  { conversation, head, members, membersNext }: ConversationFacts,
): Promise<readonly MemberFacts[] | undefined> {
  const all = [...members];
  let after = membersNext;
  while (after !== undefined) {
    const asked = { conversation, after };
    const reply = await ask({ position, conversations: [], ids: [], events: [], members: [asked] });
    const page = reply.members?.find((one) => one.conversation === conversation);
    if (page === undefined || page.head !== head) return undefined;
    all.push(...page.members);
    after = page.membersNext;
  }
  return all;
}
