import type { Names } from "@jichat/protocol/bus/names.ts";
import type { Query } from "@jichat/protocol/bus/query.ts";
import { decodeQuery, encodeRefusal, encodeReply } from "@jichat/protocol/bus/query.ts";
import type { Clock } from "@jichat/protocol/clock.ts";
import { ChatError, asChatError } from "@jichat/protocol/errors.ts";
import type { Bus, Received } from "@jichat/runtime/bus.ts";
import type { ErrorLog } from "@jichat/runtime/telemetry.ts";
import type { StorageMetrics } from "./metrics.ts";
import type { Tail } from "./tail.ts";

/** How long a query waits until its position is consumed. */
const POSITION_WAIT_MS = 2_000;

/** Limit of concurrent queries. Each is small, and its asker gives up after 4 s. */
const QUESTIONS_MAX = 10_000;

/** A partition as far as it is consumed. */
type Consumed = Pick<Tail, "until">;

interface QueryServerParts<Source extends Consumed> {
  readonly bus: Pick<Bus, "subscribe">;
  readonly names: Pick<Names, "query">;
  /** Answers a query whose position is consumed. */
  readonly answer: (query: Query, source: Source) => Promise<unknown>;
  readonly clock: Pick<Clock, "monotonic">;
  readonly log: ErrorLog;
  readonly metrics: Pick<StorageMetrics, "countQuery">;
}

/** Answers queries about the past, each once its position is consumed. */
export class QueryServer<Source extends Consumed> {
  readonly #parts: QueryServerParts<Source>;
  /** Number of unanswered queries. */
  #questions = 0;

  constructor(parts: QueryServerParts<Source>) {
    this.#parts = parts;
  }

  /** Starts answering for a partition. Returns a function that stops it. */
  serve(partition: number, source: Source): () => void {
    const { bus, names } = this.#parts;
    const subscription = bus.subscribe(
      names.query(partition),
      (message) => void this.#answer(message, source),
    );
    // Not drained: rows that a released tail has cut may be neither in it nor in ClickHouse.
    return () => {
      subscription.stop();
    };
  }

  async #answer({ bytes, reply }: Received, source: Source): Promise<void> {
    const { answer, clock, log, metrics } = this.#parts;
    this.#questions += 1;
    const started = clock.monotonic();
    let kind = "unreadable";
    try {
      if (this.#questions > QUESTIONS_MAX)
        throw new ChatError(
          "UNAVAILABLE",
          "storage answers too many questions at the moment: send it again later",
        );
      const query = decodeQuery(bytes);
      kind = query.q;
      if (!(await source.until(query.position, POSITION_WAIT_MS))) {
        throw new ChatError(
          "UNAVAILABLE",
          `storage has not read the log up to position ${query.position} yet`,
          {
            retryAfterMs: 1_000,
          },
        );
      }
      reply(encodeReply(await answer(query, source))); // Throws if the reply exceeds a message's size.
    } catch (thrown) {
      const error = asChatError(thrown);
      if (error.code === "INTERNAL" || error.cause !== undefined)
        log.error({ err: thrown, cause: error.cause }, "a question failed");
      reply(encodeRefusal(error));
    } finally {
      this.#questions -= 1;
      metrics.countQuery(kind, clock.monotonic() - started);
    }
  }
}
