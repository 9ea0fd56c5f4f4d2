import type { Names } from "@jichat/protocol/bus/names.ts";
import type { Query } from "@jichat/protocol/bus/query.ts";
import { decodeReply, encodeQuery } from "@jichat/protocol/bus/query.ts";
import type { Clock } from "@jichat/protocol/clock.ts";
import { ChatError } from "@jichat/protocol/errors.ts";
import type { Bus } from "@jichat/runtime/bus.ts";
import { NobodyServes, SendRefused } from "@jichat/runtime/bus.ts";

/**
 * Storage waits up to 2 s until it has read the log up to the named position. The rest is for the network.
 */
const ASK_TIMEOUT_MS = 4_000;
const UNSERVED_RETRY_MS = 100;
const UNSERVED_TRIES = 15;

interface StorageClientParts {
  readonly bus: Pick<Bus, "request">;
  readonly names: Pick<Names, "query">;
  readonly clock: Pick<Clock, "sleep">;
}

/** Asks the storage that owns a partition. */
export class StorageClient {
  readonly #parts: StorageClientParts;

  constructor(parts: StorageClientParts) {
    this.#parts = parts;
  }

  /**
   * Retries for 1.5 s while nobody serves the partition, as during a hand-over; then throws UNAVAILABLE. An
   * error of storage is thrown as a ChatError with the same code.
   */
  async ask<R>(query: Query): Promise<R> {
    const reply = decodeReply<R>(await this.#request(query));
    if ("error" in reply) throw new ChatError(reply.error.code, reply.error.message);
    return reply.reply;
  }

  async #request(query: Query): Promise<Uint8Array> {
    const { bus, names, clock } = this.#parts;
    const bytes = encodeQuery(query);
    for (let tries = 0; ; tries += 1) {
      try {
        return await bus.request(names.query(query.partition), bytes, ASK_TIMEOUT_MS);
      } catch (cause) {
        if (cause instanceof SendRefused) throw cause.refusal;
        if (!(cause instanceof NobodyServes) || tries === UNSERVED_TRIES)
          throw new ChatError("UNAVAILABLE", "storage does not answer a question about the history", {
            cause,
            retryAfterMs: 1_000,
          });
        await clock.sleep(UNSERVED_RETRY_MS);
      }
    }
  }
}
