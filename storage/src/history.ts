import { utf8Bytes } from "@jichat/protocol/utf8-bytes.ts";
import type { Run } from "./run.ts";
import type { HistoryQuery, HistoryReply, MembersQuery, MembersReply } from "@jichat/protocol/bus/query.ts";
import { ChatError } from "@jichat/protocol/errors.ts";
import type { InnerEvent } from "@jichat/protocol/frame/server-frame.ts";
import { jsonFrame } from "@jichat/protocol/frame/codec.ts";
import { REPLY_BYTES_MAX } from "@jichat/protocol/limits.ts";
import { foldConversations } from "./cold-state.ts";
import type { Span } from "./events.ts";
import { readSpan, shownOf } from "./events.ts";
import type { Folded } from "./fold.ts";
import type { ColdRows } from "./cold-rows.ts";
import type { Tail } from "./tail.ts";

const PAGE_OVERHEAD_BYTES = 200;

/** The seqs that a user may see: from their latest join to the head, or to where they left. */
export interface Visible {
  readonly first: number;
  readonly last: number;
  readonly member: boolean;
}

function visibleIn(folded: Folded, user: string): Visible | undefined {
  const member = folded.members.get(user);
  if (member === undefined) return undefined;
  return { first: member.first, last: member.left ?? folded.head, member: member.left === undefined };
}

async function visibleTo(
  cold: ColdRows,
  runs: readonly Run[],
  conversation: string,
  user: string,
): Promise<{ folded: Folded; visible: Visible }> {
  const folded = (await foldConversations(cold, runs, [conversation], false)).get(conversation);
  const visible = folded === undefined ? undefined : visibleIn(folded, user);
  if (folded === undefined || visible === undefined)
    throw new ChatError("NOT_FOUND", "this conversation does not exist, or you are not a member of it");
  return { folded, visible };
}

/**
 * The seq range of one page. `more` refers to the requested direction: older events, unless `after` was
 * given.
 */
export function pageBounds(
  visible: Visible,
  query: Pick<HistoryQuery, "after" | "before" | "limit">,
): { from: number; to: number; more: boolean } {
  if (query.after !== undefined) {
    const from = Math.max(query.after + 1, visible.first);
    const to = Math.min(from + query.limit - 1, visible.last);
    return { from, to, more: to < visible.last };
  }
  const to = Math.min(query.before === undefined ? visible.last : query.before - 1, visible.last);
  const from = Math.max(to - query.limit + 1, visible.first);
  return { from, to, more: from > visible.first && to >= from };
}

/**
 * Keeps the end that was just read. Records consumed meanwhile are in the runs taken before, which still
 * grow, or in the present ones. If a whole run was started and written in between, its records are in
 * neither, and nothing is kept.
 */
function keepRecent(tail: Tail, before: readonly Run[], folded: Folded, span: Span): void {
  const now = tail.runs;
  const [next] = now;
  const last = before.at(-1)?.last ?? 0;
  if (next === undefined || next.first > last + 1) return;
  const since = [...before, ...now].flatMap((run) => run.conversations.get(folded.id) ?? []);
  tail.recents.keep(folded, span, since);
}

/** A page from memory, for current members only. Undefined if ClickHouse must be asked. */
export function answerFromMemory(tail: Tail, query: HistoryQuery): HistoryReply | undefined {
  const recent = tail.recents.find(query.conversation);
  const visible = recent === undefined ? undefined : visibleIn(recent.folded, query.user);
  if (recent === undefined || visible?.member !== true) return undefined;
  const { from, to, more } = pageBounds(visible, query);
  const head = { first: visible.first, head: visible.last };
  if (from > to) return { events: [], ...head, more: false };
  if (from < recent.first) return undefined;
  const events = recent.page(from, to);
  const cut = withinBytes(events, query.after === undefined);
  return { events: cut, ...head, more: more || cut.length < events.length };
}

/**
 * One page without a hole, from ClickHouse and the tail. It is cut to 256 KB at the end that the client can
 * request again. Throws NOT_FOUND if the user may not read the conversation, UNAVAILABLE if events are
 * missing.
 */
export async function answerHistory(cold: ColdRows, tail: Tail, query: HistoryQuery): Promise<HistoryReply> {
  const { runs } = tail;
  const { folded, visible } = await visibleTo(cold, runs, query.conversation, query.user);
  const { from, to, more } = pageBounds(visible, query);
  const head = { first: visible.first, head: visible.last };
  if (from > to) return { events: [], ...head, more: false };
  const span = await readSpan(cold.pages, runs, {
    conversation: query.conversation,
    first: from,
    last: to,
    upTo: visible.last,
  });
  const events = shownOf(span);
  if (events.length !== to - from + 1) {
    throw new ChatError(
      "UNAVAILABLE",
      `history of this conversation is not complete yet: ${events.length} of ${to - from + 1} events`,
    );
  }
  if (visible.member && to === folded.head) keepRecent(tail, runs, folded, span);
  const cut = withinBytes(events, query.after === undefined);
  return { events: cut, ...head, more: more || cut.length < events.length };
}

/** Answers from memory if possible, else from ClickHouse. `count` is told which. */
export async function answerPage(
  cold: ColdRows,
  tail: Tail,
  query: HistoryQuery,
  count: (from: "memory" | "clickhouse") => void,
): Promise<HistoryReply> {
  const hot = answerFromMemory(tail, query);
  count(hot === undefined ? "clickhouse" : "memory");
  return hot ?? answerHistory(cold, tail, query);
}

/**
 * Keeps the events that fit into `bytesMax`, at least one. Drops from the far end: the oldest if
 * `dropOldest`.
 */
export function withinBytes(
  events: readonly InnerEvent[],
  dropOldest: boolean,
  bytesMax = REPLY_BYTES_MAX,
): readonly InnerEvent[] {
  const ordered = dropOldest ? events.toReversed() : events;
  let bytes = PAGE_OVERHEAD_BYTES;
  let count = 0;
  for (const event of ordered) {
    // The size as encoded in the page, with names and escapes.
    bytes += utf8Bytes(jsonFrame({ t: "event", ...event }));
    if (bytes > bytesMax && count > 0) break;
    count += 1;
  }
  const kept = ordered.slice(0, count);
  return dropOldest ? kept.toReversed() : kept;
}

/** A page of a conversation's current members. Only members may ask: throws NOT_FOUND for others. */
export async function answerMembers(cold: ColdRows, tail: Tail, query: MembersQuery): Promise<MembersReply> {
  const { folded, visible } = await visibleTo(cold, tail.runs, query.conversation, query.user);
  if (!visible.member)
    throw new ChatError("NOT_FOUND", "this conversation does not exist, or you are not a member of it");
  const { members, next } = folded.membersPage(query.after ?? "", query.limit ?? Number.MAX_SAFE_INTEGER);
  return {
    members: members.map(({ user, first }) => ({ user, first })),
    ...(folded.creator === "" ? {} : { creator: folded.creator }),
    ...(next === undefined ? {} : { next }),
  };
}
