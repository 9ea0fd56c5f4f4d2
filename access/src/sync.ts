import type { HeadEntry, ListEntry, ListQuery, ListReply } from "@jichat/protocol/bus/query.ts";
import { utf8Bytes } from "@jichat/protocol/bus/wire.ts";
import type { Clock } from "@jichat/protocol/clock.ts";
import { ChatError } from "@jichat/protocol/errors.ts";
import type { BodyText } from "@jichat/protocol/frame/body.ts";
import type { LeftConversation, ListedConversation } from "@jichat/protocol/frame/server-frame.ts";
import { partitionOf } from "@jichat/protocol/ids.ts";
import { REPLY_BYTES_MAX } from "@jichat/protocol/limits.ts";
import type { ReadList, StoredList } from "@jichat/runtime/presence-texts.ts";
import type { PageCursor, Positions } from "./cursor.ts";
import { decodeCursor, decodePage, encodeCursor, encodePage } from "./cursor.ts";
import type { ThisLog } from "./this-log.ts";
import { isOfThisLog } from "./this-log.ts";

/** What Redis holds for a sync; `Presence` in the product, a model in the simulation. */
export interface ListCache {
  /** Names this Redis until its data is lost. */
  run(): string;
  /**
   * `done` is no newer than the list, nor the list than its heads: whatever happens behind those positions is
   * in the next sync, if not already in this one. While fewer than `partitions` are done the list may be empty.
   */
  list(user: string, partitions: number): Promise<StoredList>;
  /**
   * Adds to a list, which is complete once `isLast` is told. Rejects when `run` is lost by now: what was read
   * for it may be too old for its successor.
   */
  mergeList(
    run: string,
    user: string,
    entries: readonly ListEntry[],
    heads: readonly HeadEntry[],
    isLast: boolean,
  ): Promise<void>;
}

export type AskList = (query: ListQuery) => Promise<ListReply>;
export interface SyncRequest {
  readonly since?: string | undefined;
  readonly page?: string | undefined;
  readonly limit: number;
}
export type Listed = ListedConversation<BodyText> | LeftConversation;
export interface SyncReply {
  readonly conversations: readonly Listed[];
  readonly cursor: string;
  readonly more: boolean;
  readonly next?: string;
  /** The positions that were asked from are of another life: this is a first sync. */
  readonly reset?: true;
}

const POSITIONS_WAIT_MS = 2_000;
const POSITIONS_RETRY_MS = 25;
const REBUILD_AT_ONCE = 4;
const REPLY_OVERHEAD_BYTES = 4_096;
/** Redis does nothing else while a script runs. */
const MERGED_AT_ONCE = 1_000;

const beingRebuilt = (): ChatError =>
  new ChatError("UNAVAILABLE", "the list of conversations is being rebuilt", { retryAfterMs: 500 });

interface Known {
  readonly entry: ListEntry;
  readonly head: HeadEntry | undefined;
}

/** What a request goes on from. */
interface Asked {
  readonly identity?: string | undefined;
  readonly since?: Positions | undefined;
  readonly page?: PageCursor | undefined;
}
const NOTHING_SEEN: Asked = {};

function read({ since, page }: SyncRequest): Asked {
  if (page !== undefined) {
    const decoded = decodePage(page);
    return { identity: decoded.identity, since: decoded.since, page: decoded };
  }
  if (since === undefined) return NOTHING_SEEN;
  const { identity, positions } = decodeCursor(since);
  return { identity, since: positions };
}

/**
 * Answers `sync` from Redis; what Redis lost is first rebuilt from storage, at positions read after the
 * loss.
 */
export class Syncs {
  readonly #cache: ListCache;
  readonly #ask: AskList;
  readonly #clock: Clock;
  readonly #partitions: number;
  readonly #afterLoss: () => Promise<Positions>;
  readonly #log: ThisLog;
  readonly #rebuilding = new Map<string, Promise<void>>();

  /** `afterLoss`: positions that were reached after the present Redis was first met (`LossPositions`). */
  constructor(
    cache: ListCache,
    ask: AskList,
    clock: Clock,
    partitions: number,
    afterLoss: () => Promise<Positions>,
    log: ThisLog,
  ) {
    this.#cache = cache;
    this.#ask = ask;
    this.#clock = clock;
    this.#partitions = partitions;
    this.#afterLoss = afterLoss;
    this.#log = log;
  }

  /**
   * A page of a user's conversations, most recently active first. UNAVAILABLE while Redis or storage cannot
   * tell. `list` is what its registration has read already, for a session that syncs as it comes.
   */
  async page(user: string, request: SyncRequest, list?: ReadList): Promise<SyncReply> {
    const asked = read(request);
    const identity = this.#log.identity();
    const { now, known: all } = await this.#read(user, list);
    const isReset = !(await this.#isOurs(asked, now));
    const { since, page } = isReset ? NOTHING_SEEN : asked;
    const changed = all
      .filter(({ entry, head }) => isListed(entry, head, since, this.#partitions))
      .sort(byActivity);
    const from = page === undefined ? 0 : changed.findIndex((known) => isBehind(known, page.ts, page.after));
    const cursor = page?.cursor ?? now;
    const rest = from < 0 ? [] : changed.slice(from);
    const kept = take(rest, user, request.limit);
    const last = rest[kept.length - 1];
    const more = kept.length < rest.length && last !== undefined;
    return {
      conversations: kept,
      cursor: encodeCursor({ identity, positions: cursor }),
      more,
      ...(more
        ? { next: encodePage({ identity, since, cursor, ts: tsOf(last), after: last.entry.conversation }) }
        : {}),
      ...(isReset ? { reset: true } : {}),
    };
  }

  async #isOurs({ identity, since, page }: Asked, now: Positions): Promise<boolean> {
    for (const positions of [since, page?.cursor])
      if (positions !== undefined && !(await isOfThisLog({ identity, positions }, now, this.#log)))
        return false;
    return true;
  }

  /** After Redis was lost, every owner has to tell first where it stands, and storage what the list was. */
  async #read(
    user: string,
    list: ReadList | undefined,
  ): Promise<{ now: Positions; known: readonly Known[] }> {
    const until = this.#clock.monotonic() + POSITIONS_WAIT_MS;
    let rebuilt = false;
    for (let read = list; ; read = undefined) {
      const { done, complete, entries, heads } = await this.#reach(
        read === undefined ? this.#cache.list(user, this.#partitions) : read(),
      );
      if (done.size < this.#partitions) {
        if (rebuilt || this.#clock.monotonic() >= until) throw beingRebuilt();
        await this.#clock.sleep(POSITIONS_RETRY_MS);
        continue;
      }
      const now = Array.from({ length: this.#partitions }, (_, partition) => done.get(partition) ?? 0);
      const known = entries.map((entry, index): Known => ({ entry, head: heads[index] }));
      if (complete && known.every(({ entry, head }) => entry.left !== undefined || head !== undefined))
        return { now, known };
      if (rebuilt) throw beingRebuilt();
      await this.#rebuild(user, now);
      rebuilt = true;
    }
  }

  /** One rebuild per user at a time, whoever asks. */
  async #rebuild(user: string, positions: Positions): Promise<void> {
    const running = this.#rebuilding.get(user);
    if (running !== undefined) return running;
    const run = this.#cache.run();
    const from = (least: Positions): Positions =>
      positions.map((position, p) => Math.max(position, least[p] ?? 0));
    const rebuild = this.#afterLoss()
      .then((least) => this.#askAll(run, user, from(least)))
      .finally(() => this.#rebuilding.delete(user));
    this.#rebuilding.set(user, rebuild);
    return rebuild;
  }

  async #askAll(run: string, user: string, positions: Positions): Promise<void> {
    const replies: ListReply[] = [];
    for (let first = 0; first < positions.length; first += REBUILD_AT_ONCE) {
      const some = positions.slice(first, first + REBUILD_AT_ONCE);
      replies.push(
        ...(
          await Promise.all(some.map((position, index) => this.#askPartition(user, first + index, position)))
        ).flat(),
      );
    }
    const entries = replies.flatMap((reply) => reply.entries);
    const heads = replies.flatMap((reply) => reply.heads);
    for (let at = 0, isLast = false; !isLast; at += MERGED_AT_ONCE) {
      const end = at + MERGED_AT_ONCE;
      isLast = end >= entries.length && end >= heads.length;
      await this.#reach(
        this.#cache.mergeList(run, user, entries.slice(at, end), heads.slice(at, end), isLast),
      );
    }
  }

  /** All of one partition, in as many answers as it takes. Each is as of `position` or later. */
  async #askPartition(user: string, partition: number, position: number): Promise<readonly ListReply[]> {
    const replies: ListReply[] = [];
    let after: string | undefined;
    do {
      const reply = await this.#ask({ v: 1, q: "list", partition, position, user, after });
      replies.push(reply);
      after = reply.next;
    } while (after !== undefined);
    return replies;
  }

  async #reach<T>(answer: Promise<T>): Promise<T> {
    try {
      return await answer;
    } catch (cause) {
      if (cause instanceof ChatError) throw cause;
      throw new ChatError("UNAVAILABLE", "the list of conversations is not reachable", {
        cause,
        retryAfterMs: 500,
      });
    }
  }
}

/** Without a cursor what one is in; with one also what one has left since. */
function isListed(
  entry: ListEntry,
  head: HeadEntry | undefined,
  since: Positions | undefined,
  partitions: number,
): boolean {
  if (since === undefined) return entry.left === undefined;
  const seen = since[partitionOf(entry.conversation, partitions)] ?? 0;
  return entry.position > seen || (entry.left === undefined && head !== undefined && head.position > seen);
}

const tsOf = ({ head, entry }: Known): number => (entry.left === undefined ? (head?.ts ?? 0) : 0);

const byActivity = (a: Known, b: Known): number =>
  tsOf(b) - tsOf(a) || (a.entry.conversation < b.entry.conversation ? -1 : 1);

const isBehind = (known: Known, ts: number, after: string): boolean =>
  tsOf(known) < ts || (tsOf(known) === ts && known.entry.conversation > after);

function take(known: readonly Known[], user: string, limit: number): Listed[] {
  const kept: Listed[] = [];
  let bytes = REPLY_OVERHEAD_BYTES;
  for (const one of known) {
    if (kept.length >= limit) break;
    const next = listed(one, user);
    // A body is text in text here, and so at least as long as in its frame.
    bytes += utf8Bytes(JSON.stringify(next)) + 1;
    if (bytes > REPLY_BYTES_MAX && kept.length > 0) break;
    kept.push(next);
  }
  return kept;
}

function listed({ entry, head }: Known, user: string): Listed {
  const { conversation, left, first, mark } = entry;
  if (left !== undefined || head === undefined) return { conversation, left: left ?? 0 };
  const peer = head.pair?.find((other) => other !== user) ?? (head.pair === undefined ? undefined : user);
  return {
    conversation,
    kind: head.kind,
    ...(head.name === undefined ? {} : { name: head.name }),
    ...(peer === undefined ? {} : { peer }),
    first,
    head: head.seq,
    read: mark,
    unread: Math.max(0, head.no - entry.markNo),
    ...(head.last === undefined ? {} : { last: head.last }),
  };
}
