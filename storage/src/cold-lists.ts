import { utf8Bytes } from "@jichat/protocol/utf8-bytes.ts";
import type { Run } from "./run.ts";
import type {
  HeadBrief,
  HeadEntry,
  HeadsQuery,
  HeadsReply,
  ListEntry,
  ListQuery,
  ListReply,
} from "@jichat/protocol/bus/query.ts";
import { isDirect } from "@jichat/protocol/ids.ts";
import { ANSWER_BYTES_MAX } from "@jichat/protocol/limits.ts";
import { groupBy } from "./batched.ts";
import type { ColdRows, MembershipRow } from "./cold-rows.ts";
import { ownKey } from "./cold-rows.ts";
import { foldConversations } from "./cold-state.ts";
import { readSpan, shownOf } from "./events.ts";
import { Folded } from "./fold.ts";
import type { Tail } from "./tail.ts";

/** Upper bound of an entry's size in JSON. */
const ENTRY_BYTES = 280;
/** Conversations of a list that are read at once with brief heads. */
const LISTED_AT_ONCE = 1_000;
/** The same with whole heads. An answer seldom has room for more. */
const WHOLE_AT_ONCE = 256;

interface ListedEntry {
  readonly entry: ListEntry;
  /** Undefined if the user has left. */
  readonly head: HeadBrief | undefined;
}

/**
 * A user's conversations in one partition, after the id `after`, in the order of ids: Redis's list is rebuilt
 * from this. It returns as many as fit into one answer. Of each conversation it reads only the user's own
 * rows, however many members there are.
 */
export async function answerList(
  cold: ColdRows,
  { partition, runs }: Tail,
  { user, after = "", brief }: Pick<ListQuery, "user" | "after" | "brief">,
): Promise<ListReply> {
  const rows = ((await cold.memberships.of(user)) ?? []).filter((row) => row.partition === partition);
  const rowsOf = groupBy(rows, ({ conversation }) => conversation);
  const all = new Set([...rowsOf.keys(), ...runs.flatMap((run) => [...(run.users.get(user) ?? [])])]);
  const ids = [...all].filter((id) => id > after).sort();
  const atOnce = brief === true ? LISTED_AT_ONCE : WHOLE_AT_ONCE;
  const entries: ListEntry[] = [];
  const heads: (HeadBrief | HeadEntry)[] = [];
  let bytes = 0;
  for (let at = 0; at < ids.length; at += atOnce) {
    const some = ids.slice(at, at + atOnce);
    const listed = await Promise.all(
      some.map((id) => listedOf(cold, runs, { id, user, rows: rowsOf.get(id) ?? [] })),
    );
    const whole = brief === true ? undefined : await wholeHeads(cold, runs, user, some);
    for (const one of listed) {
      if (one === undefined) continue;
      const head = one.head && (whole === undefined ? one.head : whole.get(one.entry.conversation));
      bytes += ENTRY_BYTES + utf8Bytes(JSON.stringify(head ?? null));
      const last = entries.at(-1);
      if (last !== undefined && bytes > ANSWER_BYTES_MAX) return { entries, heads, next: last.conversation };
      entries.push(one.entry);
      if (head !== undefined) heads.push(head);
    }
  }
  return { entries, heads };
}

interface Membership {
  readonly id: string;
  readonly user: string;
  readonly rows: readonly MembershipRow[];
}

async function listedOf(
  cold: ColdRows,
  runs: readonly Run[],
  { id, user, rows }: Membership,
): Promise<ListedEntry | undefined> {
  const [head, mark, setting] = await Promise.all([
    cold.heads.of(id),
    cold.ownMarks.of(ownKey(user, id)),
    cold.ownSettings.of(ownKey(user, id)),
  ]);
  const folded = new Folded(id);
  for (const { seq, no, joined, position } of rows)
    folded.lifecycle({
      seq,
      no,
      kind: joined === 1 ? "joined" : "left",
      sender: "",
      users: [user],
      name: "",
      position,
      extra: "",
    });
  if (mark !== undefined) folded.mark(user, mark);
  if (setting !== undefined) folded.setting(setting);
  if (head !== undefined) folded.headAt(head);
  for (const run of runs) folded.records(run.conversations.get(id) ?? []);
  const member = folded.members.get(user);
  if (folded.head === 0 || member === undefined) return undefined;
  const { first, mark: read, markNo, position, left, settings } = member;
  const entry = { conversation: id, position, first, mark: read, markNo };
  if (left !== undefined) return { entry: { ...entry, left }, head: undefined };
  const own = settings === undefined ? {} : { settings };
  return {
    entry: { ...entry, ...own },
    head: { conversation: id, position: folded.position, ts: folded.ts },
  };
}

/** Whole heads for one page of a user's list, as many as fit into one answer. `rest` names the others. */
export async function answerHeads(
  cold: ColdRows,
  { runs }: Tail,
  { user, conversations }: Pick<HeadsQuery, "user" | "conversations">,
): Promise<HeadsReply> {
  const heads: HeadEntry[] = [];
  const rest: string[] = [];
  let bytes = 0;
  for (const head of (await wholeHeads(cold, runs, user, conversations)).values()) {
    bytes += utf8Bytes(JSON.stringify(head));
    if (heads.length > 0 && bytes > ANSWER_BYTES_MAX) rest.push(head.conversation);
    else heads.push(head);
  }
  return { heads, ...(rest.length === 0 ? {} : { rest }) };
}

/** Whole heads of those conversations in which `user` is a member now. */
async function wholeHeads(
  cold: ColdRows,
  runs: readonly Run[],
  user: string,
  ids: readonly string[],
): Promise<Map<string, HeadEntry>> {
  const folded = [...(await foldConversations(cold, runs, ids, false)).values()];
  const seen = folded.filter(({ members }) => members.has(user) && members.get(user)?.left === undefined);
  // Requested together, so one query answers them all.
  const heads = await Promise.all(seen.map((one) => headOf(cold, runs, one)));
  return new Map(heads.map((head) => [head.conversation, head]));
}

async function headOf(cold: ColdRows, runs: readonly Run[], conversation: Folded): Promise<HeadEntry> {
  const { id, position, head: seq, no, ts, name, facets } = conversation;
  const kind = isDirect(id) ? "direct" : "group";
  const [last] = shownOf(await readSpan(cold.singles, runs, { conversation: id, first: seq, last: seq }));
  return {
    conversation: id,
    position,
    seq,
    no,
    ts,
    kind,
    ...(name === undefined ? {} : { name }),
    ...(Object.keys(facets).length === 0 ? {} : { facets }),
    ...(last === undefined ? {} : { last }),
    // Of a group, which may be large, nobody asks here who is in it.
    ...(kind === "direct" ? { pair: [...conversation.members.keys()] } : {}),
  };
}
