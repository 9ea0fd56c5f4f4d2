import type { NatsConnection } from "@nats-io/transport-node";
import type { Names } from "@jichat/protocol/bus/names.ts";
import type { Query, QueryReply } from "@jichat/protocol/bus/query.ts";
import { decodeReply, encodeQuery } from "@jichat/protocol/bus/query.ts";
import { ChatError } from "@jichat/protocol/errors.ts";

/**
 * Storage waits up to 2 s until it has read the log up to the named position. The rest is for the network.
 */
const ASK_TIMEOUT_MS = 4_000;
const NOBODY_RETRY_MS = 100;
const NOBODY_TRIES = 15;

const isNobody = (error: unknown): boolean => error instanceof Error && /no responders/i.test(error.message);

/**
 * Asks the storage that owns a partition. It retries for 1.5 s while nobody serves the partition, as during a
 * hand-over; then it throws UNAVAILABLE. An error of storage is thrown as a ChatError with the same code.
 */
export async function askStorage<Q extends Query, R>(
  nats: NatsConnection,
  names: Names,
  query: Q,
): Promise<R> {
  for (let tries = 0; ; tries += 1) {
    let reply: QueryReply<R>;
    try {
      const message = await nats.request(names.query(query.partition), encodeQuery(query), {
        timeout: ASK_TIMEOUT_MS,
      });
      reply = decodeReply<R>(message.data);
    } catch (cause) {
      if (isNobody(cause) && tries < NOBODY_TRIES) {
        await new Promise((resolve) => setTimeout(resolve, NOBODY_RETRY_MS));
        continue;
      }
      if (cause instanceof ChatError) throw cause;
      throw new ChatError("UNAVAILABLE", "history is not reachable", { cause, retryAfterMs: 1_000 });
    }
    if ("error" in reply) throw new ChatError(reply.error.code, reply.error.message);
    return reply.reply;
  }
}
