import type { FactsReply } from "@jichat/protocol/bus/query.ts";
import type { StorageClient } from "@jichat/log/storage-client.ts";
import type { FactsSource } from "./ports.ts";
import { wholeFacts } from "./whole-facts.ts";

/** Asks storage for the owner of one partition. Members of a large group come in pages. */
export const factsFrom = (
  storage: Pick<StorageClient, "ask">,
  partition: number,
  watermark: () => number,
): FactsSource => ({
  ask: (question) =>
    wholeFacts((one) => storage.ask<FactsReply>({ v: 1, q: "facts", partition, ...one }), question),
  watermark,
});
