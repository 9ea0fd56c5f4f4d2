import type { Run } from "./run.ts";
import type { HistoryQuery, HistoryReply, MembersQuery, MembersReply } from "@jichat/protocol/bus/query.ts";
import { ChatError } from "@jichat/protocol/errors.ts";
import type { InnerEvent } from "@jichat/protocol/frame/server-frame.ts";
import { utf8Bytes } from "@jichat/protocol/bus/wire.ts";
import { jsonFrame } from "@jichat/protocol/frame/codec.ts";
import { REPLY_BYTES_MAX } from "@jichat/protocol/limits.ts";
import { foldConversations } from "./cold-state.ts";
import type { Span } from "./events.ts";
import { readSpan, shownOf } from "./events.ts";
import type { Folded } from "./fold.ts";
import type { ColdRows } from "./cold-rows.ts";
import type { Tail } from "./tail.ts";

const PAGE_OVERHEAD_BYTES = 200;

/** What of a conversation a user may see: from their latest joining on, and up to where they left. */
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
    throw new ChatError("NOT_FOUND", "no such conversation, or not for you");
  return { folded, visible };
}

/** The seqs of one page. `more` is about the direction asked: older ones, unless `after` was given. */
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
 * What was consumed while a page was read is in the runs of before, which still grow, and in those of now:
 * unless a whole run came and went in between.
 */
function keepRecent(tail: Tail, before: readonly Run[], folded: Folded, span: Span): void {
  const now = tail.runs;
  const [next] = now;
  const last = before.at(-1)?.last ?? 0;
  if (next === undefined || next.first > last + 1) return;
  const since = [...before, ...now].flatMap((run) => run.conversations.get(folded.id) ?? []);
  tail.recents.keep(folded, span, since);
}

/** A page from memory, for members and as far back as it goes; undefined where ClickHouse must be asked. */
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

/** One page without a hole, cut to 256 KB from the end that the asker can ask for again. */
export async function answerHistory(cold: ColdRows, tail: Tail, query: HistoryQuery): Promise<HistoryReply> {
  const { runs } = tail;
  const { folded, visible } = await visibleTo(cold, runs, query.conversation, query.user);
  const { from, to, more } = pageBounds(visible, query);
  const head = { first: visible.first, head: visible.last };
  if (from > to) return { events: [], ...head, more: false };
  const span = await readSpan(cold.pages, runs, query.conversation, from, to, visible.last);
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

/** From memory where it is there, else from ClickHouse; `count` is told which. */
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
 * Keeps what fits, dropping from the far end: the oldest when newer ones were asked for first. At least one
 * stays.
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
    // As it stands in its page, names and escapes included.
    bytes += utf8Bytes(jsonFrame({ t: "event", ...event }));
    if (bytes > bytesMax && count > 0) break;
    count += 1;
  }
  const kept = ordered.slice(0, count);
  return dropOldest ? kept.toReversed() : kept;
}

/** Who is in a conversation now, a page of them; only for its members. */
export async function answerMembers(cold: ColdRows, tail: Tail, query: MembersQuery): Promise<MembersReply> {
  const { folded, visible } = await visibleTo(cold, tail.runs, query.conversation, query.user);
  if (!visible.member) throw new ChatError("NOT_FOUND", "no such conversation, or not for you");
  const { members, next } = folded.membersPage(query.after ?? "", query.limit ?? Number.MAX_SAFE_INTEGER);
  return {
    members: members.map(({ user, first }) => ({ user, first })),
    ...(next === undefined ? {} : { next }),
  };
}
