import { utf8Bytes } from "@jichat/protocol/utf8-bytes.ts";
import type { Clock } from "@jichat/protocol/clock.ts";
import { REPLY_BYTES_MAX } from "@jichat/protocol/limits.ts";
import type { ReadList } from "@jichat/presence/presence-texts.ts";
import type { PageCursor, Positions } from "./cursor.ts";
import { decodeCursor, decodePage, encodeCursor, encodePage } from "./cursor.ts";
import type { ListCache, ListSource } from "./list-cache.ts";
import { beingRebuilt, reach } from "./list-cache.ts";
import type { Known, Listed } from "./list-order.ts";
import { byActivity, isBehind, isListed, listed, tsOf } from "./list-order.ts";
import { ListRebuild } from "./list-rebuild.ts";
import type { ThisLog } from "./this-log.ts";
import { isOfThisLog } from "./this-log.ts";
import type { ListOf } from "./whole-heads.ts";
import { WholeHeads } from "./whole-heads.ts";

export interface SyncRequest {
  readonly since?: string | undefined;
  readonly page?: string | undefined;
  readonly limit: number;
}
export interface SyncReply {
  readonly conversations: readonly Listed[];
  readonly cursor: string;
  readonly more: boolean;
  readonly next?: string;
  /** The request's positions belong to another log or partition count, so this reply is a first sync. */
  readonly reset?: true;
}

const POSITIONS_WAIT_MS = 2_000;
const POSITIONS_RETRY_MS = 25;
const REPLY_OVERHEAD_BYTES = 4_096;
/** Whole heads are read in steps of this many conversations, until the reply is full. */
const WHOLE_AT_ONCE = 100;

/** Where a request continues. */
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

interface SyncsParts {
  readonly cache: ListCache;
  readonly source: ListSource;
  readonly clock: Clock;
  readonly partitions: number;
  /** Log positions reached after the present Redis was first seen (`LossPositions`). */
  readonly afterLoss: () => Promise<Positions>;
  readonly log: ThisLog;
}

/**
 * Answers `sync` from Redis. What Redis has lost is first rebuilt from storage, at positions read after the
 * loss.
 */
export class Syncs {
  readonly #cache: ListCache;
  readonly #clock: Clock;
  readonly #partitions: number;
  readonly #log: ThisLog;
  readonly #rebuild: ListRebuild;
  readonly #heads: WholeHeads;

  constructor({ cache, source, clock, partitions, afterLoss, log }: SyncsParts) {
    this.#cache = cache;
    this.#clock = clock;
    this.#partitions = partitions;
    this.#log = log;
    this.#rebuild = new ListRebuild(cache, source, afterLoss);
    this.#heads = new WholeHeads(cache, source, partitions);
  }

  /**
   * A page of a user's conversations, most recently active first. Throws UNAVAILABLE while Redis or storage
   * cannot answer. `list` is the list that the session's registration has already read, for a sync that waits
   * for the welcome.
   */
  async page(user: string, request: SyncRequest, list?: ReadList): Promise<SyncReply> {
    const asked = read(request);
    const identity = this.#log.identity();
    const { run, now, known: all } = await this.#read(user, list);
    const isReset = !(await this.#isOurs(asked, now));
    const { since, page } = isReset ? NOTHING_SEEN : asked;
    const changed = all.filter((known) => isListed(known, since, this.#partitions)).sort(byActivity);
    const from = page === undefined ? 0 : changed.findIndex((known) => isBehind(known, page.ts, page.after));
    const cursor = page?.cursor ?? now;
    const rest = from < 0 ? [] : changed.slice(from);
    const { conversations, taken } = await this.#take(rest, request.limit, { run, user, positions: now });
    const last = rest[taken - 1];
    const more = taken < rest.length && last !== undefined;
    return {
      conversations,
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

  /** After a loss of Redis, each owner first names its position, and storage gives the list. */
  async #read(
    user: string,
    list: ReadList | undefined,
  ): Promise<{ run: string; now: Positions; known: readonly Known[] }> {
    const until = this.#clock.monotonic() + POSITIONS_WAIT_MS;
    let rebuilt = false;
    for (let read = list; ; read = undefined) {
      const { run, done, complete, entries, heads } = await reach(
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
        return { run, now, known };
      if (rebuilt) throw beingRebuilt();
      await this.#rebuild.of(user, now);
      rebuilt = true;
    }
  }

  /** The first entries of `known`, bounded by `limit` and by the size of a reply. */
  async #take(
    known: readonly Known[],
    limit: number,
    of: ListOf,
  ): Promise<{ conversations: readonly Listed[]; taken: number }> {
    const conversations: Listed[] = [];
    const told = { user: of.user, now: this.#clock.now() };
    let taken = 0;
    let bytes = REPLY_OVERHEAD_BYTES;
    for (let at = 0; at < known.length && at < limit; at += WHOLE_AT_ONCE) {
      const some = known.slice(at, Math.min(at + WHOLE_AT_ONCE, limit));
      const heads = await this.#heads.of(of, some);
      for (const { entry } of some) {
        const head = heads.get(entry.conversation);
        // A user who left meanwhile learns it with the next sync: the departure is behind this reply's
        // cursor.
        if (head !== undefined || entry.left !== undefined) {
          const next = listed(entry, head, told);
          // A body is escaped text here, so this is never shorter than its form in the frame.
          bytes += utf8Bytes(JSON.stringify(next)) + 1;
          if (bytes > REPLY_BYTES_MAX && conversations.length > 0) return { conversations, taken };
          conversations.push(next);
        }
        taken += 1;
      }
    }
    return { conversations, taken };
  }
}
