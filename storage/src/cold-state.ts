import type { EventFacts, FactsQuery, FactsReply, HeadEntry, IdFacts, ListEntry, ListReply } from "@jichat/protocol/bus/query.ts";
import type { EventKind } from "@jichat/protocol/frame/server-frame.ts";
import type { HeadRow, LifecycleRow, MarkRow } from "./fold.ts";
import { Folded } from "./fold.ts";
import { readEvents } from "./events.ts";
import type { Store } from "./store.ts";
import type { Run, Tail } from "./tail.ts";

/** Conversations as ClickHouse and the tail have them together. Those that were never written to are absent. */
export async function foldConversations(store: Store, runs: readonly Run[], ids: readonly string[]): Promise<Map<string, Folded>> {
  const folded = new Map(ids.map((id) => [id, new Folded(id)]));
  if (ids.length === 0) return folded;
  const [lifecycle, marks, heads] = await Promise.all([
    store.query<LifecycleRow & Record<string, unknown>>(
      "SELECT * FROM {db}.lifecycle WHERE conversation IN {ids: Array(String)} ORDER BY conversation, seq LIMIT 1 BY conversation, seq", { ids }),
    store.query<MarkRow & Record<string, unknown>>(
      `SELECT conversation, user, max(marks.seq) AS seq, max(marks.no) AS no, max(marks.position) AS position
       FROM {db}.marks WHERE conversation IN {ids: Array(String)} GROUP BY conversation, user`, { ids }),
    store.query<HeadRow & Record<string, unknown>>(
      `SELECT conversation, max(heads.head) AS head, max(heads.no) AS no, max(heads.ts) AS ts, max(heads.position) AS position
       FROM {db}.heads WHERE conversation IN {ids: Array(String)} GROUP BY conversation`, { ids }),
  ]);
  for (const row of lifecycle) folded.get(row.conversation)?.lifecycle(row);
  for (const row of marks) folded.get(row.conversation)?.mark(row.user, row.seq, row.no, row.position);
  for (const row of heads) folded.get(row.conversation)?.headAt(row);
  for (const run of runs) for (const id of ids) folded.get(id)?.records(run.conversations.get(id) ?? []);
  for (const [id, { head }] of folded) if (head === 0) folded.delete(id);
  return folded;
}

async function findIds(store: Store, runs: readonly Run[], wanted: FactsQuery["ids"]): Promise<(IdFacts & { conversation: string })[]> {
  if (wanted.length === 0) return [];
  const keys = new Set(wanted.map(({ conversation, user, id }) => `${conversation} ${user} ${id}`));
  const rows = await store.query<{ conversation: string; user: string; id: string; seq: number; ts: number }>(
    `SELECT conversation, user, id, min(ids.seq) AS seq, min(ids.ts) AS ts FROM {db}.ids
     WHERE conversation IN {conversations: Array(String)} AND user IN {users: Array(String)} AND id IN {ids: Array(String)}
     GROUP BY conversation, user, id`,
    { conversations: wanted.map((w) => w.conversation), users: wanted.map((w) => w.user), ids: wanted.map((w) => w.id) },
  );
  const found = rows.filter(({ conversation, user, id }) => keys.has(`${conversation} ${user} ${id}`));
  for (const run of runs) {
    for (const conversation of new Set(wanted.map((w) => w.conversation))) {
      for (const { record } of run.conversations.get(conversation) ?? []) {
        if (record.r === "mark" || record.id === undefined) continue;
        const user = record.r === "note" ? record.user : record.from;
        if (keys.has(`${conversation} ${user} ${record.id}`)) found.push({ conversation, user, id: record.id, seq: record.seq, ts: record.ts });
      }
    }
  }
  return found;
}

async function findEvents(store: Store, runs: readonly Run[], wanted: FactsQuery["events"]): Promise<(EventFacts & { conversation: string })[]> {
  return Promise.all(wanted.map(async ({ conversation, seq }) => {
    const [event] = await readEvents(store, runs, conversation, seq, seq);
    if (event === undefined) return [];
    const recalled = event.recalled !== undefined;
    return [{ conversation, seq, no: event.no, kind: event.kind as EventKind, from: event.from, ts: event.ts, ...(recalled ? { recalled } : {}) }];
  })).then((found) => found.flat());
}

/** What a partition's owner asks about the cold. The runs are taken first, so that nothing is between them and ClickHouse. */
export async function answerFacts(store: Store, tail: Tail, query: FactsQuery): Promise<FactsReply> {
  const { runs } = tail;
  const [folded, ids, events] = await Promise.all([
    foldConversations(store, runs, query.conversations), findIds(store, runs, query.ids), findEvents(store, runs, query.events),
  ]);
  return { conversations: [...folded.values()].map((conversation) => conversation.facts()), ids, events };
}

/** A user's conversations in one partition, with heads: what Redis is rebuilt from. */
export async function answerList(store: Store, tail: Tail, user: string): Promise<ListReply> {
  const { runs } = tail;
  const rows = await store.query<{ conversation: string }>(
    "SELECT DISTINCT conversation FROM {db}.memberships WHERE user = {user: String} AND partition = {partition: UInt16}",
    { user, partition: tail.partition },
  );
  const ids = [...new Set([...rows.map(({ conversation }) => conversation), ...runs.flatMap((run) => [...(run.users.get(user) ?? [])])])];
  const folded = await foldConversations(store, runs, ids);
  const entries: ListEntry[] = [];
  const heads: HeadEntry[] = [];
  for (const conversation of folded.values()) {
    const member = conversation.members.get(user);
    if (member === undefined) continue;
    const { first, mark, markNo, position, left } = member;
    entries.push({ conversation: conversation.id, position, first, mark, markNo, ...(left === undefined ? {} : { left }) });
    if (left === undefined) heads.push(await headOf(store, runs, conversation));
  }
  return { entries, heads };
}

async function headOf(store: Store, runs: readonly Run[], conversation: Folded): Promise<HeadEntry> {
  const { kind, members } = conversation.facts();
  const { id, position, head: seq, no, ts, name } = conversation;
  const [last] = await readEvents(store, runs, id, seq, seq);
  return {
    conversation: id, position, seq, no, ts, kind, ...(name === undefined ? {} : { name }), ...(last === undefined ? {} : { last }),
    ...(kind === "direct" ? { pair: members.map(({ user }) => user) } : {}),
  };
}
