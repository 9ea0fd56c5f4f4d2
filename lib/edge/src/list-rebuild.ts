import type { ListReply } from "@jichat/protocol/bus/query.ts";
import type { Positions } from "./cursor.ts";
import type { ListCache, ListSource } from "./list-cache.ts";
import { reach } from "./list-cache.ts";

/** Partitions that are queried at once for one user's list. */
const ASKED_AT_ONCE = 8;
/** Entries merged by one script: Redis runs nothing else meanwhile. */
const MERGED_AT_ONCE = 1_000;

/**
 * Rebuilds lists that Redis has lost: the entries, and brief heads, so that a list of thousands is complete
 * before its first page is due. Whole heads are read with the pages that need them (`WholeHeads`).
 */
export class ListRebuild {
  readonly #cache: ListCache;
  readonly #source: ListSource;
  readonly #afterLoss: () => Promise<Positions>;
  readonly #running = new Map<string, Promise<void>>();

  /** `afterLoss` gives log positions reached after the present Redis was first seen (`LossPositions`). */
  constructor(cache: ListCache, source: ListSource, afterLoss: () => Promise<Positions>) {
    this.#cache = cache;
    this.#source = source;
    this.#afterLoss = afterLoss;
  }

  /**
   * Rebuilds as of `positions` or later. One rebuild per user runs at a time, and concurrent callers share
   * it.
   */
  async of(user: string, positions: Positions): Promise<void> {
    const running = this.#running.get(user);
    if (running !== undefined) return running;
    const run = this.#cache.run();
    const from = (least: Positions): Positions =>
      positions.map((position, p) => Math.max(position, least[p] ?? 0));
    const rebuild = this.#afterLoss()
      .then((least) => this.#askAll(run, user, from(least)))
      .finally(() => this.#running.delete(user));
    this.#running.set(user, rebuild);
    return rebuild;
  }

  async #askAll(run: string, user: string, positions: Positions): Promise<void> {
    const replies: ListReply[] = [];
    for (let first = 0; first < positions.length; first += ASKED_AT_ONCE) {
      const some = positions.slice(first, first + ASKED_AT_ONCE);
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
      const wholeAt = isLast ? positions : undefined;
      const part = { entries: entries.slice(at, end), heads: heads.slice(at, end), wholeAt };
      await reach(this.#cache.mergeList(run, user, part));
    }
  }

  /** The whole list of one partition, in as many answers as it takes. Each is as of `position` or later. */
  async #askPartition(user: string, partition: number, position: number): Promise<readonly ListReply[]> {
    const replies: ListReply[] = [];
    let after: string | undefined;
    do {
      const query = { v: 1, q: "list", partition, position, user, after, brief: true } as const;
      const reply = await this.#source.list(query);
      replies.push(reply);
      after = reply.next;
    } while (after !== undefined);
    return replies;
  }
}
