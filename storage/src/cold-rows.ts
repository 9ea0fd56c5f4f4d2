import type { IdFacts } from "@jichat/protocol/bus/query.ts";
import { firstIdOf } from "@jichat/protocol/ids.ts";
import { Batched, groupBy } from "./batched.ts";
import { pagesOf, singlesOf } from "./cold-events.ts";
import type { EventSource } from "./events.ts";
import type { HeadRow, LifecycleRow, MarkRow } from "./fold.ts";
import type { Store } from "./store.ts";

export interface MembershipRow {
  readonly user: string;
  readonly partition: number;
  readonly conversation: string;
}
/** Every UUIDv7 id that was made later than `from`; too many to list: none, and `from` at the end of time. */
export interface RecentIds {
  readonly from: number;
  readonly ids: readonly IdFacts[];
}
export interface Outline {
  readonly lifecycle: readonly LifecycleRow[];
  readonly head: HeadRow | undefined;
}

const RECENT_IDS_MS = 60_000;
const RECENT_IDS_MAX = 2_048;

type Rows<T> = T & Record<string, unknown>;

const outlinesOf = (store: Store): Batched<Outline> =>
  new Batched(async (ids) => {
    const [lifecycle, heads] = await Promise.all([
      store.query<Rows<LifecycleRow>>(
        `SELECT * FROM {db}.lifecycle WHERE conversation IN {ids: Array(String)}
       ORDER BY conversation, seq LIMIT 1 BY conversation, seq`,
        { ids },
      ),
      store.query<Rows<HeadRow>>(
        `SELECT conversation, max(heads.head) AS head, max(heads.no) AS no, max(heads.ts) AS ts,
         max(heads.position) AS position
       FROM {db}.heads WHERE conversation IN {ids: Array(String)} GROUP BY conversation`,
        { ids },
      ),
    ]);
    const byConversation = groupBy(lifecycle, ({ conversation }) => conversation);
    const headOf = new Map(heads.map((head) => [head.conversation, head]));
    return new Map(ids.map((id) => [id, { lifecycle: byConversation.get(id) ?? [], head: headOf.get(id) }]));
  });

const marksOf = (store: Store): Batched<readonly MarkRow[]> =>
  new Batched(async (ids) =>
    groupBy(
      await store.query<Rows<MarkRow>>(
        `SELECT conversation, user, max(marks.seq) AS seq, max(marks.no) AS no,
         max(marks.position) AS position
   FROM {db}.marks WHERE conversation IN {ids: Array(String)} GROUP BY conversation, user`,
        { ids },
      ),
      ({ conversation }) => conversation,
    ),
  );

const recentIdsOf = (store: Store): Batched<RecentIds> =>
  new Batched(async (conversations) => {
    const from = Date.now() - RECENT_IDS_MS;
    const rows = await store.query<Rows<IdFacts & { conversation: string }>>(
      `SELECT conversation, user, id, min(ids.seq) AS seq, min(ids.ts) AS ts FROM {db}.ids
     WHERE conversation IN {conversations: Array(String)} AND id >= {first: String}
     GROUP BY conversation, user, id LIMIT ${RECENT_IDS_MAX + 1} BY conversation`,
      { conversations, first: firstIdOf(from + 1) },
    );
    const byConversation = groupBy(rows, ({ conversation }) => conversation);
    return new Map(
      conversations.map((conversation) => {
        const ids = byConversation.get(conversation) ?? [];
        return [
          conversation,
          ids.length > RECENT_IDS_MAX ? { from: Number.MAX_SAFE_INTEGER, ids: [] } : { from, ids },
        ];
      }),
    );
  });

const membershipsOf = (store: Store): Batched<readonly MembershipRow[]> =>
  new Batched(async (users) =>
    groupBy(
      await store.query<Rows<MembershipRow>>(
        "SELECT DISTINCT user, partition, conversation FROM {db}.memberships WHERE user IN {users: Array(String)}",
        { users },
      ),
      ({ user }) => user,
    ),
  );

/** What ClickHouse holds of conversations and users apart from their events, asked in batches. */
export class ColdRows {
  /** By conversation: who came and went, its names, and its head. */
  readonly outlines: Batched<Outline>;
  /** By conversation: how far each member has read. */
  readonly marks: Batched<readonly MarkRow[]>;
  /** By conversation: the ids of its last minute, so that its next owner need not ask about every new one. */
  readonly recentIds: Batched<RecentIds>;
  /** By user: the conversations they ever were in. */
  readonly memberships: Batched<readonly MembershipRow[]>;

  /** Single events, of many conversations in one query. */
  readonly singles: EventSource;
  /** Pages of history: a reconnecting crowd asks for the same ones. */
  readonly pages: EventSource;

  constructor(store: Store) {
    this.singles = singlesOf(store);
    this.pages = pagesOf(store);
    this.outlines = outlinesOf(store);
    this.marks = marksOf(store);
    this.recentIds = recentIdsOf(store);
    this.memberships = membershipsOf(store);
  }
}
