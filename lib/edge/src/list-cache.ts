import type { HeadEntry, HeadsQuery, HeadsReply, ListQuery, ListReply } from "@jichat/protocol/bus/query.ts";
import { ChatError } from "@jichat/protocol/errors.ts";
import type { ListPart, StoredList } from "@jichat/presence/presence-texts.ts";

/** What Redis holds for a sync. The product implements it with `Presence`, the simulation with a model. */
export interface ListCache {
  /** An id of this Redis's data. It changes when the data is lost. */
  run(): string;
  /**
   * `done` is not newer than the list, and the list is not newer than its heads. So an event behind those
   * positions is in the next sync, if not already in this one. While `done` has fewer than `partitions`
   * entries the list may be empty.
   */
  list(user: string, partitions: number): Promise<StoredList>;
  /**
   * One head for each of `conversations`, not older than in any list read before. Undefined if no whole head
   * is cached, or if the user is not a member (any more).
   */
  heads(conversations: readonly string[], user: string): Promise<readonly (HeadEntry | undefined)[]>;
  /**
   * Adds a part to a list. The last part names `wholeAt`, the positions as of which the list was read, and
   * completes it. Rejects if the data of `run` is lost, or if something behind these positions was discarded:
   * then the parts may be too old.
   */
  mergeList(run: string, user: string, part: ListPart): Promise<void>;
}

/** What a sync asks storage. */
export interface ListSource {
  list(query: ListQuery): Promise<ListReply>;
  heads(query: HeadsQuery): Promise<HeadsReply>;
}

/** The retryable error for a list that cannot be complete yet. */
export const beingRebuilt = (): ChatError =>
  new ChatError("UNAVAILABLE", "the list of conversations is being rebuilt", { retryAfterMs: 500 });

/** Awaits an answer of Redis. A failure becomes UNAVAILABLE. */
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
