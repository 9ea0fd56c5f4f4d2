import { EVENT_COLUMNS } from "./event-row.ts";
import type { EventRow, EventSource } from "./event-row.ts";
import { Batched, groupBy } from "./batched.ts";
import type { Change } from "@jichat/conversation/changes.ts";
import type { Store } from "./store.ts";

interface ChangeRow extends Change, Record<string, unknown> {
  readonly conversation: string;
}

const keyOf = (conversation: string, seq: number): string => `${conversation} ${seq}`;

/** Splits the keys into their two parts, as query parameters. */
function halvesOf(keys: readonly string[]): { readonly conversations: string[]; readonly seqs: number[] } {
  const halves = keys.map((key) => key.split(" "));
  return {
    conversations: halves.map(([conversation = ""]) => conversation),
    seqs: halves.map(([, seq]) => Number(seq)),
  };
}
const KEYS = "arrayZip({conversations: Array(String)}, {seqs: Array(UInt64)})";

/**
 * Reads single events of many conversations with one query. A user's list shows the newest event of every
 * conversation, and after a loss of Redis all users need theirs at once.
 */
export function singlesOf(store: Store): EventSource {
  const events = new Batched<readonly EventRow[]>(async (keys) =>
    groupBy(
      await store.query<EventRow>(
        `SELECT ${EVENT_COLUMNS.join(", ")} FROM {db}.events WHERE (conversation, seq) IN ${KEYS}
         ORDER BY conversation, seq LIMIT 1 BY conversation, seq`,
        halvesOf(keys),
      ),
      ({ conversation, seq }) => keyOf(conversation, seq),
    ),
  );
  const changes = new Batched<readonly Change[]>(async (keys) =>
    groupBy(
      await store.query<ChangeRow>(
        `SELECT conversation, target, seq, kind, body FROM {db}.edits WHERE (conversation, target) IN ${KEYS}
         ORDER BY conversation, seq LIMIT 1 BY conversation, target, seq`,
        halvesOf(keys),
      ),
      ({ conversation, target }) => keyOf(conversation, target),
    ),
  );
  return {
    async events(conversation, first, last) {
      if (first !== last) throw new Error("a range of events is asked for by a page alone");
      return (await events.of(keyOf(conversation, first))) ?? [];
    },
    async changes(conversation, targets, upTo) {
      const found = await Promise.all(targets.map((target) => changes.of(keyOf(conversation, target))));
      const all = found.flatMap((some) => some ?? []).filter(({ seq }) => seq <= upTo);
      return all.sort((a, b) => a.seq - b.seq);
    },
  };
}

/** Pages in one query. A page has at most 200 events of 8 KB, so this many fit into memory. */
const PAGES_MAX = 16;

/** An SQL condition for several queries at once, with separate parameters for each. */
function anyOf(
  keys: readonly string[],
  conditionOf: (at: number) => string,
  paramsOf: (rest: string) => Readonly<Record<string, unknown>>,
): { readonly where: string; readonly params: Record<string, unknown> } {
  const params: Record<string, unknown> = {};
  const conditions = keys.map((key, at) => {
    const [conversation = "", rest = ""] = key.split(" ");
    params[`c${at}`] = conversation;
    for (const [name, value] of Object.entries(paramsOf(rest))) params[`${name}${at}`] = value;
    return `(conversation = {c${at}: String} AND ${conditionOf(at)})`;
  });
  return { where: conditions.join(" OR "), params };
}

const rangeOf = (rest: string): { readonly f: number; readonly l: number } => {
  const [f = 0, l = 0] = rest.split("-").map(Number);
  return { f, l };
};

/**
 * Reads ranges of events. Requests that arrive while a query runs share the next one, and equal pages are
 * read once: when a connector goes away, all its users ask for the same pages.
 */
export function pagesOf(store: Store): EventSource {
  const events = new Batched<readonly EventRow[]>(async (keys) => {
    const { where, params } = anyOf(
      keys,
      (at) => `seq BETWEEN {f${at}: UInt64} AND {l${at}: UInt64}`,
      rangeOf,
    );
    const rows = groupBy(
      await store.query<EventRow>(
        `SELECT ${EVENT_COLUMNS.join(", ")} FROM {db}.events WHERE ${where}
         ORDER BY conversation, seq LIMIT 1 BY conversation, seq`,
        params,
      ),
      ({ conversation }) => conversation,
    );
    return new Map(
      keys.map((key) => {
        const [conversation = "", rest = ""] = key.split(" ");
        const { f, l } = rangeOf(rest);
        return [key, (rows.get(conversation) ?? []).filter(({ seq }) => seq >= f && seq <= l)];
      }),
    );
  }, PAGES_MAX);
  const changes = new Batched<readonly Change[]>(async (keys) => {
    const { where, params } = anyOf(
      keys,
      (at) => `target IN {t${at}: Array(UInt64)}`,
      (rest) => ({ t: rest.split(",").map(Number) }),
    );
    const rows = groupBy(
      await store.query<ChangeRow>(
        `SELECT conversation, target, seq, kind, body FROM {db}.edits WHERE ${where}
         ORDER BY conversation, seq LIMIT 1 BY conversation, target, seq`,
        params,
      ),
      ({ conversation }) => conversation,
    );
    return new Map(
      keys.map((key) => {
        const [conversation = "", rest = ""] = key.split(" ");
        const wanted = new Set(rest.split(",").map(Number));
        return [key, (rows.get(conversation) ?? []).filter(({ target }) => wanted.has(target))];
      }),
    );
  }, PAGES_MAX);
  return {
    events: async (conversation, first, last) => (await events.of(`${conversation} ${first}-${last}`)) ?? [],
    async changes(conversation, targets, upTo) {
      if (targets.length === 0) return [];
      const found = (await changes.of(`${conversation} ${targets.join(",")}`)) ?? [];
      return found.filter(({ seq }) => seq <= upTo);
    },
  };
}
