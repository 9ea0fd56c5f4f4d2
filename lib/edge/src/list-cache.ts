import type { HeadEntry, HeadsQuery, HeadsReply, ListQuery, ListReply } from "@jichat/protocol/bus/query.ts";
import { ChatError } from "@jichat/protocol/errors.ts";
import type { ListPart, StoredList } from "@jichat/presence/presence-texts.ts";

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
   * One for each of `conversations`, no older than in any list read before; undefined where none is whole, or
   * the user is not in there (any more).
   */
  heads(conversations: readonly string[], user: string): Promise<readonly (HeadEntry | undefined)[]>;
  /**
   * Adds to a list, which is complete once `wholeAt` is told, with the last of it: the positions as of which it
   * was read. Rejects when `run` is lost by now, or when something behind these positions was let go: what was
   * read may be too old.
   */
  mergeList(run: string, user: string, part: ListPart): Promise<void>;
}

/** What storage tells a sync. */
export interface ListSource {
  list(query: ListQuery): Promise<ListReply>;
  heads(query: HeadsQuery): Promise<HeadsReply>;
}

export const beingRebuilt = (): ChatError =>
  new ChatError("UNAVAILABLE", "the list of conversations is being rebuilt", { retryAfterMs: 500 });

/** What Redis answers; UNAVAILABLE where it does not. */
export async function reach<T>(answer: Promise<T>): Promise<T> {
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
