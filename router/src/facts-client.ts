import type { NatsConnection } from "@nats-io/transport-node";
import type { FactsQuery, FactsReply } from "@jichat/protocol/bus/query.ts";
import type { Names } from "@jichat/protocol/bus/names.ts";
import { askStorage } from "@jichat/log/ask-storage.ts";
import type { FactsSource } from "./ports.ts";
import { wholeFacts } from "./whole-facts.ts";

/** Asks storage over NATS, for the owner of one partition. Members of a large group come in pages. */
export const factsOver = (
  nats: NatsConnection,
  names: Names,
  partition: number,
  watermark: () => number,
): FactsSource => ({
  ask: (question) =>
    wholeFacts(
      (one) => askStorage<FactsQuery, FactsReply>(nats, names, { v: 1, q: "facts", partition, ...one }),
      question,
    ),
  watermark,
});
