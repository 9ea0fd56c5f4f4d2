import { utf8Bytes } from "@jichat/protocol/utf8-bytes.ts";
import type { RecentIds } from "./fold.ts";
import type { Run } from "./run.ts";
import type {
  ConversationFacts,
  EventFacts,
  FactsQuery,
  FactsReply,
  IdFacts,
  MembersAfter,
  MembersPage,
} from "@jichat/protocol/bus/query.ts";
import { previewOf } from "@jichat/protocol/bus/push.ts";
import type { InnerEvent } from "@jichat/protocol/frame/server-frame.ts";
import { ANSWER_BYTES_MAX, MEMBERS_PAGE_MAX } from "@jichat/protocol/limits.ts";
import { Folded } from "./fold.ts";
import { readSpan, shownOf } from "./events.ts";
import { timeOfId } from "@jichat/protocol/ids.ts";
import type { ColdRows } from "./cold-rows.ts";
import type { Store } from "./store.ts";
import type { Tail } from "./tail.ts";

/** Recent ids of one conversation in one answer: some 200 bytes each. */
const TAIL_IDS_MAX = 2_048;

/**
 * Folds conversations from ClickHouse and the tail together. A conversation without any record is absent from
 * the result. `withOwn`: with what members have of their own, marks and settings.
 */
export async function foldConversations(
  cold: ColdRows,
  runs: readonly Run[],
  ids: readonly string[],
  withOwn = true,
): Promise<Map<string, Folded>> {
  const folded = new Map(ids.map((id) => [id, new Folded(id)]));
  await Promise.all(
    [...folded].map(async ([id, conversation]) => {
      const [outline, marks, settings] = await Promise.all([
        cold.outlines.of(id),
        withOwn ? cold.marks.of(id) : undefined,
        withOwn ? cold.settings.of(id) : undefined,
      ]);
      for (const row of outline?.lifecycle ?? []) conversation.lifecycle(row);
      for (const row of marks ?? []) conversation.mark(row.user, row);
      for (const row of settings ?? []) conversation.setting(row);
      if (outline?.head !== undefined) conversation.headAt(outline.head);
      for (const run of runs) conversation.records(run.conversations.get(id) ?? []);
      if (conversation.head === 0) folded.delete(id);
    }),
  );
  return folded;
}

async function findIds(
  store: Store,
  runs: readonly Run[],
  wanted: FactsQuery["ids"],
): Promise<(IdFacts & { conversation: string })[]> {
  if (wanted.length === 0) return [];
  const keys = new Set(wanted.map(({ conversation, user, id }) => `${conversation} ${user} ${id}`));
  const rows = await store.query<{ conversation: string; user: string; id: string; seq: number; ts: number }>(
    `SELECT conversation, user, id, min(ids.seq) AS seq, min(ids.ts) AS ts FROM {db}.ids
     WHERE conversation IN {conversations: Array(String)} AND user IN {users: Array(String)}
       AND id IN {ids: Array(String)}
     GROUP BY conversation, user, id`,
    {
      conversations: wanted.map((w) => w.conversation),
      users: wanted.map((w) => w.user),
      ids: wanted.map((w) => w.id),
    },
  );
  const found = rows.filter(({ conversation, user, id }) => keys.has(`${conversation} ${user} ${id}`));
  for (const run of runs) {
    for (const conversation of new Set(wanted.map((w) => w.conversation))) {
      for (const { record } of run.conversations.get(conversation) ?? []) {
        if (record.r === "mark" || record.id === undefined) continue;
        const user = record.r === "event" ? record.from : record.user;
        if (keys.has(`${conversation} ${user} ${record.id}`))
          found.push({ conversation, user, id: record.id, seq: record.seq, ts: record.ts });
      }
    }
  }
  return found;
}

function withTail(
  recent: RecentIds | undefined,
  runs: readonly Run[],
  conversation: string,
): RecentIds | undefined {
  if (recent === undefined || (recent.ids.length === 0 && recent.from === Number.MAX_SAFE_INTEGER))
    return recent;
  const ids = new Map(recent.ids.map((known) => [`${known.user} ${known.id}`, known]));
  for (const run of runs) {
    for (const { record } of run.conversations.get(conversation) ?? []) {
      if (record.r === "mark" || record.id === undefined || (timeOfId(record.id) ?? 0) <= recent.from)
        continue;
      const user = record.r === "event" ? record.from : record.user;
      ids.set(`${user} ${record.id}`, { user, id: record.id, seq: record.seq, ts: record.ts });
    }
  }
  // If there are more ids than one answer holds, none is sent, and the owner asks for each.
  if (ids.size > TAIL_IDS_MAX) return { from: Number.MAX_SAFE_INTEGER, ids: [] };
  return { from: recent.from, ids: [...ids.values()] };
}

/** A body is JSON text between our processes. What is recalled has none. */
const textOf = ({ body }: InnerEvent): string =>
  body === undefined ? "" : previewOf((JSON.parse(body) as { readonly text?: unknown }).text);

async function findEvents(
  cold: ColdRows,
  runs: readonly Run[],
  { events: wanted, hasTexts }: Pick<FactsQuery, "events" | "hasTexts">,
): Promise<(EventFacts & { conversation: string })[]> {
  return Promise.all(
    wanted.map(async ({ conversation, seq }) => {
      const [event] = shownOf(await readSpan(cold.singles, runs, { conversation, first: seq, last: seq }));
      if (event === undefined) return [];
      const recalled = event.recalled !== undefined;
      return [
        {
          conversation,
          seq,
          no: event.no,
          kind: event.kind,
          from: event.from,
          ts: event.ts,
          ...(recalled ? { recalled } : {}),
          ...(hasTexts === true ? { text: textOf(event) } : {}),
        },
      ];
    }),
  ).then((found) => found.flat());
}

/** Further members of a large group. Only one page of one conversation, since a page may fill the answer. */
async function answerMembersAfter(
  cold: ColdRows,
  runs: readonly Run[],
  [asked]: readonly MembersAfter[],
): Promise<MembersPage[]> {
  if (asked === undefined) return [];
  const { conversation, after } = asked;
  const folded = (await foldConversations(cold, runs, [conversation])).get(conversation);
  if (folded === undefined) return [];
  const { members, next } = folded.membersPage(after, MEMBERS_PAGE_MAX);
  return [{ conversation, head: folded.head, members, ...(next === undefined ? {} : { membersNext: next }) }];
}

/**
 * Answers an owner's query about cold conversations. The runs are taken before ClickHouse is asked, so that
 * no record falls between the two.
 */
export async function answerFacts(
  store: Store,
  cold: ColdRows,
  tail: Tail,
  query: FactsQuery,
): Promise<FactsReply> {
  const { runs } = tail;
  const [folded, recent, ids, events] = await Promise.all([
    foldConversations(cold, runs, query.conversations),
    Promise.all(
      query.conversations.map(async (id) => [id, withTail(await cold.recentIds.of(id), runs, id)] as const),
    ),
    findIds(store, runs, query.ids),
    findEvents(cold, runs, query),
  ]);
  const recentOf = new Map(recent);
  const conversations: ConversationFacts[] = [];
  const rest: string[] = [];
  let bytes = 0;
  for (const conversation of folded.values()) {
    const facts = conversation.facts(recentOf.get(conversation.id), query.isPaged && MEMBERS_PAGE_MAX);
    bytes += utf8Bytes(JSON.stringify(facts));
    if (conversations.length > 0 && bytes > ANSWER_BYTES_MAX) rest.push(conversation.id);
    else conversations.push(facts);
  }
  const members = await answerMembersAfter(cold, runs, query.members ?? []);
  return {
    conversations,
    ids,
    events,
    ...(rest.length === 0 ? {} : { rest }),
    ...(members.length === 0 ? {} : { members }),
  };
}
