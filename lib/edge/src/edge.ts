import type { NatsConnection } from "@nats-io/transport-node";
import type { Names } from "@jichat/protocol/bus/names.ts";
import { systemClock } from "@jichat/protocol/clock.ts";
import type { LogIdentity } from "@jichat/log/log-identity.ts";
import { askStorage } from "@jichat/log/ask-storage.ts";
import { onReconnect } from "@jichat/runtime/nats.ts";
import type { Presence } from "@jichat/presence/presence.ts";
import { Lanes } from "./lanes.ts";
import { LossPositions } from "./loss-positions.ts";
import { HistoryClient } from "./history-client.ts";
import { Syncs } from "./sync.ts";

/** What an edge, be it of sockets or of REST, reaches the inside by. */
export interface Edge {
  readonly lanes: Lanes;
  readonly past: HistoryClient;
  readonly syncs: Syncs;
}

/** `from` names this edge to the owners; `onRetry` counts batches that had to be sent again. */
export function openEdge(
  nats: NatsConnection,
  names: Names,
  presence: Presence,
  { partitions, identity }: { readonly partitions: number; readonly identity: LogIdentity },
  from: string,
  onRetry: () => void,
): Edge {
  const lanes = new Lanes(nats, names, from, partitions, onRetry);
  const losses = new LossPositions(
    partitions,
    () => presence.run(),
    (partition) => lanes.position(partition),
  );
  onReconnect(nats, () => void identity.refresh());
  identity.onChange(() => {
    lanes.forget();
    losses.forget();
  });
  return {
    lanes,
    past: new HistoryClient(nats, names, presence, lanes),
    syncs: new Syncs(
      presence,
      {
        list: async (query) => askStorage(nats, names, query),
        heads: async (query) => askStorage(nats, names, query),
      },
      systemClock,
      partitions,
      () => losses.read(),
      { identity: () => identity.current(), position: (partition) => lanes.position(partition) },
    ),
  };
}
