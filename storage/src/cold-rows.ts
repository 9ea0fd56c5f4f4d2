import type { EventSource } from "./event-row.ts";
import type { IdFacts } from "@jichat/protocol/bus/query.ts";
import { firstIdOf } from "@jichat/protocol/ids.ts";
import { Batched, groupBy } from "./batched.ts";
import { pagesOf, singlesOf } from "./cold-events.ts";
import type { HeadRow, LifecycleRow, MarkRow, RecentIds, SettingRow } from "./fold.ts";
import type { Store } from "./store.ts";

/** A user joined a conversation or left it. */
export interface MembershipRow {
  readonly user: string;
  readonly partition: number;
  readonly conversation: string;
  readonly seq: number;
  readonly no: number;
  readonly joined: 0 | 1;
  readonly position: number;
}
export interface Outline {
  readonly lifecycle: readonly LifecycleRow[];
  readonly head: HeadRow | undefined;
}

const RECENT_IDS_MS = 60_000;
const RECENT_IDS_MAX = 2_048;
/** Keys in one query about lists. Its rows are small, and a list may need thousands. */
const LISTED_MAX = 1_000;

type Rows<T> = T & Record<string, unknown>;

const readHeads = async (store: Store, ids: readonly string[]): Promise<readonly HeadRow[]> =>
  store.query<Rows<HeadRow>>(
    `SELECT conversation, max(heads.head) AS head, max(heads.no) AS no, max(heads.ts) AS ts,
     max(heads.position) AS position
   FROM {db}.heads WHERE conversation IN {ids: Array(String)} GROUP BY conversation`,
    { ids },
  );

const headsOf = (store: Store): Batched<HeadRow> =>
  new Batched(
    async (ids) => new Map((await readHeads(store, ids)).map((head) => [head.conversation, head])),
    LISTED_MAX,
  );

const outlinesOf = (store: Store): Batched<Outline> =>
  new Batched(async (ids) => {
    const [lifecycle, heads] = await Promise.all([
      store.query<Rows<LifecycleRow>>(
        `SELECT * FROM {db}.lifecycle WHERE conversation IN {ids: Array(String)}
       ORDER BY conversation, seq LIMIT 1 BY conversation, seq`,
        { ids },
      ),
      readHeads(store, ids),
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

/** Key of what one user has in one conversation: a mark, settings. */
export const ownKey = (user: string, conversation: string): string => `${user} ${conversation}`;

/** The conversations and the users of some `ownKey`s. A query for both finds more pairs than the keys. */
function pairsOf(keys: readonly string[]): { users: readonly string[]; conversations: readonly string[] } {
  const pairs = keys.map((key) => key.split(" ", 2));
  return {
    users: [...new Set(pairs.map(([user = ""]) => user))],
    conversations: [...new Set(pairs.map(([, conversation = ""]) => conversation))],
  };
}

const ownMarksOf = (store: Store): Batched<MarkRow> =>
  new Batched(async (keys) => {
    const rows = await store.query<Rows<MarkRow>>(
      `SELECT conversation, user, max(marks.seq) AS seq, max(marks.no) AS no,
       max(marks.position) AS position
     FROM {db}.marks WHERE conversation IN {conversations: Array(String)} AND user IN {users: Array(String)}
     GROUP BY conversation, user`,
      pairsOf(keys),
    );
    return new Map(rows.map((row) => [ownKey(row.user, row.conversation), row]));
  }, LISTED_MAX);

/** The latest row per user and conversation. */
const LATEST_SETTING = "ORDER BY conversation, user, position DESC LIMIT 1 BY conversation, user";

const settingsOf = (store: Store): Batched<readonly SettingRow[]> =>
  new Batched(async (ids) =>
    groupBy(
      await store.query<Rows<SettingRow>>(
        `SELECT conversation, user, seq, position, value FROM {db}.settings
         WHERE conversation IN {ids: Array(String)} ${LATEST_SETTING}`,
        { ids },
      ),
      ({ conversation }) => conversation,
    ),
  );

const ownSettingsOf = (store: Store): Batched<SettingRow> =>
  new Batched(async (keys) => {
    const rows = await store.query<Rows<SettingRow>>(
      `SELECT conversation, user, seq, position, value FROM {db}.settings
       WHERE conversation IN {conversations: Array(String)} AND user IN {users: Array(String)}
       ${LATEST_SETTING}`,
      pairsOf(keys),
    );
    return new Map(rows.map((row) => [ownKey(row.user, row.conversation), row]));
  }, LISTED_MAX);

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
        `SELECT user, partition, conversation, seq, no, joined, position FROM {db}.memberships
       WHERE user IN {users: Array(String)} ORDER BY user, conversation, seq LIMIT 1 BY user, conversation, seq`,
        { users },
      ),
      ({ user }) => user,
    ),
  );

/** Batched queries for conversations and users, and for their events. */
export class ColdRows {
  /** By conversation: joins, leaves, names and the head. */
  readonly outlines: Batched<Outline>;
  /** By conversation: only the head. */
  readonly heads: Batched<HeadRow>;
  /** By `ownKey`: one user's read mark. */
  readonly ownMarks: Batched<MarkRow>;
  /** By `ownKey`: one user's settings. */
  readonly ownSettings: Batched<SettingRow>;
  /** By conversation: each member's read mark. */
  readonly marks: Batched<readonly MarkRow[]>;
  /** By conversation: the settings of each member who has some, and of former members. */
  readonly settings: Batched<readonly SettingRow[]>;
  /**
   * By conversation: the ids of its last minute. With them its next owner need not ask about every new id.
   */
  readonly recentIds: Batched<RecentIds>;
  /** By user: joins and leaves, ordered within each conversation. */
  readonly memberships: Batched<readonly MembershipRow[]>;

  /** Single events, of many conversations in one query. */
  readonly singles: EventSource;
  /** Pages of history. A reconnecting crowd asks for the same ones. */
  readonly pages: EventSource;

  constructor(store: Store) {
    this.singles = singlesOf(store);
    this.pages = pagesOf(store);
    this.outlines = outlinesOf(store);
    this.heads = headsOf(store);
    this.ownMarks = ownMarksOf(store);
    this.ownSettings = ownSettingsOf(store);
    this.marks = marksOf(store);
    this.settings = settingsOf(store);
    this.recentIds = recentIdsOf(store);
    this.memberships = membershipsOf(store);
  }
}
