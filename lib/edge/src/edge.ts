import type { Names } from "@jichat/protocol/bus/names.ts";
import type { Clock } from "@jichat/protocol/clock.ts";
import type { LogIdentity } from "@jichat/log/log-identity.ts";
import { StorageClient } from "@jichat/log/storage-client.ts";
import type { Bus } from "@jichat/runtime/bus.ts";
import type { Presence } from "@jichat/presence/presence.ts";
import { Lanes } from "./lanes.ts";
import { LossPositions } from "./loss-positions.ts";
import { HistoryClient } from "./history-client.ts";
import { Syncs } from "./sync.ts";

/** An edge's access to owners, storage and lists. The connector has one for sockets, the api one for REST. */
export interface Edge {
  readonly lanes: Lanes;
  readonly past: HistoryClient;
  readonly syncs: Syncs;
}

interface EdgeParts {
  readonly bus: Bus;
  readonly names: Names;
  readonly presence: Presence;
  readonly cluster: { readonly partitions: number; readonly identity: LogIdentity };
  /** The time that hosts agree on: mutes end by it. */
  readonly clock: Clock;
  /** Names this edge to the owners. */
  readonly from: string;
  /** Counts batches that had to be sent again. */
  readonly onRetry: () => void;
}

/** Opens an edge. It forgets the log positions that it has seen when the log's identity changes. */
export function openEdge({
  bus,
  names,
  presence,
  cluster: { partitions, identity },
  clock,
  from,
  onRetry,
}: EdgeParts): Edge {
  const lanes = new Lanes({ bus, names, clock, from, partitions, onRetry });
  const storage = new StorageClient({ bus, names, clock });
  const losses = new LossPositions(
    partitions,
    () => presence.run(),
    (partition) => lanes.position(partition),
  );
  identity.onChange(() => {
    lanes.forget();
    losses.forget();
  });
  return {
    lanes,
    past: new HistoryClient(storage, presence, lanes),
    syncs: new Syncs({
      cache: presence,
      source: {
        list: async (query) => storage.ask(query),
        heads: async (query) => storage.ask(query),
      },
      clock,
      partitions,
      afterLoss: () => losses.read(),
      log: { identity: () => identity.current(), position: (partition) => lanes.position(partition) },
    }),
  };
}
