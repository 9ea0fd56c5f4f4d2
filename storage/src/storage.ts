import type { JetStreamManager } from "@nats-io/jetstream";
import type { KV } from "@nats-io/kv";
import type { Names } from "@jichat/protocol/bus/names.ts";
import { systemClock } from "@jichat/protocol/clock.ts";
import type { Fault } from "@jichat/protocol/faults.ts";
import { PartitionLog } from "@jichat/log/partition-log.ts";
import type { Bus } from "@jichat/runtime/bus.ts";
import type { Telemetry } from "@jichat/runtime/telemetry.ts";
import { answer } from "./answer.ts";
import { readWatermarks, writeRuns } from "./batch-writer.ts";
import { CarefulInsert } from "./careful-insert.ts";
import { ColdRows } from "./cold-rows.ts";
import type { Config } from "./config.ts";
import { Flusher } from "./flusher.ts";
import { assertContinues } from "./log-regressed.ts";
import { storageGauges } from "./gauges.ts";
import { quarantineTeller, storageMetrics } from "./metrics.ts";
import { Ownership } from "./ownership.ts";
import { QueryServer } from "./query-server.ts";
import type { Run } from "./run.ts";
import type { Store } from "./store.ts";
import { Tail } from "./tail.ts";
import { Trimmer } from "./trimmer.ts";
import { WatermarkAnnouncer } from "./watermark-announcer.ts";

/** Limits of storage's own work. */
type StorageLimits = Pick<
  Config,
  "flushMs" | "flushRows" | "tailBytesMax" | "recentBytesMax" | "trimEveryMs" | "trimGraceMs"
>;

export interface StorageParts {
  readonly config: StorageLimits;
  /** The cluster's number of partitions. */
  readonly partitions: number;
  readonly bus: Bus;
  readonly jsm: JetStreamManager;
  readonly names: Names;
  readonly store: Store;
  readonly watermarks: KV;
  readonly telemetry: Telemetry;
}

export interface Storage {
  /** The partitions leased to this process. `Leases` drives it. */
  readonly ownership: Ownership;
  /** Faults that need a person's attention. */
  faults(): readonly Fault[];
  /** Stops consuming and trimming, and flushes one last time. */
  stop(): Promise<void>;
}

/** Wires ownership, query server, flusher and trimmer, and starts the last two. */
export function startStorage(parts: StorageParts): Storage {
  const { config, bus, names, store, telemetry } = parts;
  const clock = systemClock;
  const metrics = storageMetrics(telemetry);
  const careful = new CarefulInsert(store, quarantineTeller(telemetry.log, metrics));
  const write = async (runs: readonly Run[]): Promise<void> => writeRuns(runs, store, careful);
  const announcer = new WatermarkAnnouncer(parts.watermarks, telemetry.log);
  const cold = new ColdRows(store);
  const queries = new QueryServer<Tail>({
    bus,
    names,
    answer: async (query, tail) => answer(store, cold, { tail, query, countPage: metrics.countPage }),
    clock,
    log: telemetry.log,
    metrics,
  });
  const ownership = new Ownership({
    clock,
    log: telemetry.log,
    tailBytesMax: config.tailBytesMax,
    open: async (partition) => openPartition(parts, partition),
    serve: (partition, tail) => queries.serve(partition, tail),
    write: async (run) => write([run]),
    onHeld: (tails) => void announcer.announce(tails),
  });
  const flusher = new Flusher({
    clock,
    limits: config,
    ownership,
    telemetry,
    metrics,
    write,
    onWritten: async () => announcer.announceSometimes(ownership.tails),
  });
  const trimmer = new Trimmer({ clock, limits: config, ownership, store, log: telemetry.log });
  storageGauges(telemetry, ownership, flusher);
  flusher.start();
  trimmer.start();
  return {
    ownership,
    faults: () => [...ownership.faults(), ...flusher.faults()],
    stop: async () => {
      trimmer.stop();
      ownership.stop();
      await flusher.stop();
    },
  };
}

/** Opens a partition at its watermark. Throws LogRegressed if the log does not continue from there. */
async function openPartition(
  { config, partitions, jsm, names, store }: StorageParts,
  partition: number,
): Promise<{ tail: Tail; log: PartitionLog }> {
  const watermark = (await readWatermarks(store)).get(partition) ?? 0;
  const log = new PartitionLog(jsm, names, partition);
  await assertContinues(log, store, partition, watermark);
  return { tail: new Tail(partition, watermark, config.recentBytesMax / partitions), log };
}
