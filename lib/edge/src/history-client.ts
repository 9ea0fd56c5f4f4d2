import type { HistoryReply, MembersQuery, MembersReply } from "@jichat/protocol/bus/query.ts";
import { errorOf, isRefused } from "@jichat/protocol/bus/command.ts";
import { isRetryable } from "@jichat/protocol/errors.ts";
import { partitionOf } from "@jichat/protocol/ids.ts";
import type { StorageClient } from "@jichat/log/storage-client.ts";
import type { Presence } from "@jichat/presence/presence.ts";
import type { Lanes } from "./lanes.ts";

export interface Asker {
  readonly user: string;
  readonly device: string;
  readonly session: string;
}
export interface PageRequest {
  readonly conversation: string;
  readonly after?: number | undefined;
  readonly before?: number | undefined;
  readonly limit: number;
}

/** Asks storage for pages and members, at a position that is not behind anything the asker may have seen. */
export class HistoryClient {
  readonly #storage: Pick<StorageClient, "ask">;
  readonly #presence: Pick<Presence, "briefs" | "ready">;
  readonly #lanes: Pick<Lanes, "partitions" | "seen" | "submit">;

  constructor(
    storage: Pick<StorageClient, "ask">,
    presence: Pick<Presence, "briefs" | "ready">,
    lanes: Pick<Lanes, "partitions" | "seen" | "submit">,
  ) {
    this.#storage = storage;
    this.#presence = presence;
    this.#lanes = lanes;
  }

  /** A page of events. Throws the ChatError of storage, or a retryable one of the owner. */
  async page(asker: Asker, request: PageRequest): Promise<HistoryReply> {
    const { conversation, after, before, limit } = request;
    return this.#storage.ask<HistoryReply>({
      ...(await this.#at(asker, conversation)),
      q: "history",
      user: asker.user,
      conversation,
      after,
      before,
      limit,
    });
  }

  /** At most `limit` members after the user `after`, ordered by id. */
  async members(
    asker: Asker,
    { conversation, after, limit }: Pick<MembersQuery, "conversation" | "after" | "limit">,
  ): Promise<MembersReply> {
    return this.#storage.ask<MembersReply>({
      ...(await this.#at(asker, conversation)),
      q: "members",
      user: asker.user,
      conversation,
      after,
      limit,
    });
  }

  /**
   * The position comes from the head in Redis. Without a head the owner is asked: each of its answers names a
   * log position.
   */
  async #at(asker: Asker, conversation: string): Promise<{ v: 1; partition: number; position: number }> {
    const partition = partitionOf(conversation, this.#lanes.partitions);
    const head = await this.#headPosition(conversation);
    if (head === undefined) {
      const answer = await this.#lanes.submit({ op: "look", conversation, ...asker }, { isOpen: () => true });
      // The owner answers NOT_FOUND for a former member, who may still read their past. Storage decides that.
      if (isRefused(answer) && isRetryable(answer.code)) throw errorOf(answer);
    }
    return { v: 1, partition, position: Math.max(head ?? 0, this.#lanes.seen(partition)) };
  }

  async #headPosition(conversation: string): Promise<number | undefined> {
    try {
      const [head] = this.#presence.ready ? await this.#presence.briefs([conversation]) : [];
      return head?.position;
    } catch {
      return undefined; // Redis is unreachable, so the owner is asked.
    }
  }
}
