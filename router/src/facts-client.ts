import type { NatsConnection } from "@nats-io/transport-node";
import type { FactsQuery, FactsReply } from "@jichat/protocol/bus/query.ts";
import type { Names } from "@jichat/protocol/bus/names.ts";
import { askStorage } from "@jichat/log/ask-storage.ts";
import type { FactsSource } from "./ports.ts";

/** Storage over NATS, for the owner of one partition. */
export const factsOver = (
  nats: NatsConnection,
  names: Names,
  partition: number,
  watermark: () => number,
): FactsSource => ({
  ask: (question) =>
    askStorage<FactsQuery, FactsReply>(nats, names, { v: 1, q: "facts", partition, ...question }),
  watermark,
});
