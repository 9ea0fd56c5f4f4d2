import type { HeadEntry, HeadsQuery } from "@jichat/protocol/bus/query.ts";
import { partitionOf } from "@jichat/protocol/ids.ts";
import { isWhole } from "@jichat/presence/presence-texts.ts";
import type { Positions } from "./cursor.ts";
import type { ListCache, ListSource } from "./list-cache.ts";
import { beingRebuilt, reach } from "./list-cache.ts";
import type { Known } from "./list-order.ts";

/** The user, the Redis run that the list was read from, and the least positions of the logs. */
export interface ListOf {
  readonly run: string;
  readonly user: string;
  readonly positions: Positions;
}

/**
 * Gives whole heads for the conversations of one page: from Redis if it has them, else from storage. A head
 * read from storage is then cached in Redis.
 */
export class WholeHeads {
  readonly #cache: ListCache;
  readonly #source: ListSource;
  readonly #partitions: number;

  constructor(cache: ListCache, source: ListSource, partitions: number) {
    this.#cache = cache;
    this.#source = source;
    this.#partitions = partitions;
  }

  /**
   * Heads by conversation, none older than in `known`. A conversation that the user has left is absent, also
   * if the user left after `known` was read: storage is asked after that, and answers members only.
   */
  async of({ run, user, positions }: ListOf, known: readonly Known[]): Promise<Map<string, HeadEntry>> {
    const found = new Map<string, HeadEntry>();
    const wanted: Known[] = [];
    for (const one of known) {
      if (one.entry.left !== undefined) continue;
      if (one.head !== undefined && isWhole(one.head)) found.set(one.entry.conversation, one.head);
      else wanted.push(one);
    }
    if (wanted.length === 0) return found;
    const cached = await reach(
      this.#cache.heads(
        wanted.map(({ entry }) => entry.conversation),
        user,
      ),
    );
    const missing = wanted.filter(({ entry }, index) => {
      const head = cached[index];
      if (head !== undefined) found.set(entry.conversation, head);
      return head === undefined;
    });
    if (missing.length === 0) return found;
    const told = await this.#ask(user, missing, positions);
    for (const head of told) found.set(head.conversation, head);
    await reach(this.#cache.mergeList(run, user, { entries: [], heads: told }));
    return found;
  }

  async #ask(user: string, missing: readonly Known[], positions: Positions): Promise<HeadEntry[]> {
    const byPartition = Map.groupBy(missing, ({ entry }) =>
      partitionOf(entry.conversation, this.#partitions),
    );
    const told = await Promise.all(
      [...byPartition].map(([partition, some]) => {
        // Redis may hold a list that is ahead of the recorded effects.
        const seen = some.map(({ entry, head }) => Math.max(entry.position, head?.position ?? 0));
        const position = Math.max(positions[partition] ?? 0, ...seen);
        const conversations = some.map(({ entry }) => entry.conversation);
        return this.#askPartition({ v: 1, q: "heads", partition, position, user, conversations });
      }),
    );
    return told.flat();
  }

  /** As many queries as it takes. Each answer has room for at least one head. */
  async #askPartition(query: HeadsQuery): Promise<HeadEntry[]> {
    const told: HeadEntry[] = [];
    for (let conversations = query.conversations; conversations.length > 0;) {
      const { heads, rest = [] } = await this.#source.heads({ ...query, conversations });
      told.push(...heads);
      if (rest.length >= conversations.length) throw beingRebuilt();
      conversations = rest;
    }
    return told;
  }
}
