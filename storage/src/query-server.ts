import type { Msg, NatsConnection } from "@nats-io/transport-node";
import type { Logger } from "pino";
import type { Names } from "@jichat/protocol/bus/names.ts";
import { decodeQuery, encodeRefusal, replyText } from "@jichat/protocol/bus/query.ts";
import type { Clock } from "@jichat/protocol/clock.ts";
import { ChatError, asChatError } from "@jichat/protocol/errors.ts";
import { answer } from "./answer.ts";
import { ColdRows } from "./cold-rows.ts";
import type { StorageMetrics } from "./metrics.ts";
import type { Store } from "./store.ts";
import type { Tail } from "./tail.ts";

/** How long a query waits until its position is consumed. */
const POSITION_WAIT_MS = 2_000;

/** Limit of concurrent queries. Each is small, and its asker gives up after 4 s. */
const QUESTIONS_MAX = 10_000;

export interface QueryServerParts {
  readonly nats: Pick<NatsConnection, "subscribe">;
  readonly names: Pick<Names, "query">;
  readonly store: Store;
  readonly clock: Clock;
  readonly log: Logger;
  readonly metrics: Pick<StorageMetrics, "countPage" | "countQuery">;
}

/** Answers queries about the past, from ClickHouse and the tails together. */
export class QueryServer {
  readonly #parts: QueryServerParts;
  readonly #cold: ColdRows;
  /** Number of unanswered queries. */
  #questions = 0;

  constructor(parts: QueryServerParts) {
    this.#parts = parts;
    this.#cold = new ColdRows(parts.store);
  }

  /** Starts answering for a partition. Returns a function that stops it. */
  serve(partition: number, tail: Tail): () => void {
    const { nats, names } = this.#parts;
    const subscription = nats.subscribe(names.query(partition), {
      callback: (error: Error | null, message: Msg) => {
        if (error === null) void this.#answer(message, tail);
      },
    });
    return () => {
      subscription.unsubscribe();
    };
  }

  async #answer(message: Msg, tail: Tail): Promise<void> {
    const { store, clock, log, metrics } = this.#parts;
    this.#questions += 1;
    const started = clock.monotonic();
    let kind = "unreadable";
    try {
      if (this.#questions > QUESTIONS_MAX) throw new ChatError("UNAVAILABLE", "history is asked too much");
      const query = decodeQuery(message.data);
      kind = query.q;
      if (!(await tail.until(query.position, POSITION_WAIT_MS))) {
        throw new ChatError("UNAVAILABLE", `history has not reached position ${query.position} yet`, {
          retryAfterMs: 1_000,
        });
      }
      const reply = await answer(store, this.#cold, { tail, query, countPage: metrics.countPage });
      message.respond(replyText(reply)); // Throws if the reply exceeds a message's size.
    } catch (thrown) {
      const error = asChatError(thrown);
      if (error.code === "INTERNAL" || error.cause !== undefined)
        log.error({ err: thrown, cause: error.cause }, "a question failed");
      message.respond(encodeRefusal(error));
    } finally {
      this.#questions -= 1;
      metrics.countQuery(kind, clock.monotonic() - started);
    }
  }
}
