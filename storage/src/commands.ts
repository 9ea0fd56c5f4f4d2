import type { JetStreamManager } from "@nats-io/jetstream";
import { parseArgs } from "node:util";
import type { Names } from "@jichat/protocol/bus/names.ts";
import { PartitionLog } from "@jichat/runtime/partition-log.ts";
import { readWatermarks } from "./batch-writer.ts";
import type { Store } from "./store.ts";
import { replayRange, verifyRange } from "./verify.ts";

interface Parts {
  readonly jsm: JetStreamManager;
  readonly names: Names;
  readonly store: Store;
  readonly partitions: number;
}

const USAGE =
  "usage: node storage/src/main.ts verify|replay [--partition N] [--from POSITION] [--to POSITION]";
const CHUNK = 2_000;

/**
 * `verify` compares ranges of the log with ClickHouse, `replay` rebuilds them. False where something differs
 * or is wrong.
 */
export async function runCommand(
  args: readonly string[],
  { jsm, names, store, partitions }: Parts,
): Promise<boolean> {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: { partition: { type: "string" }, from: { type: "string" }, to: { type: "string" } },
  });
  const [verb] = positionals;
  if (verb !== "verify" && verb !== "replay") {
    process.stderr.write(`${USAGE}\n`);
    return false;
  }
  const watermarks = await readWatermarks(store);
  const chosen =
    values.partition === undefined
      ? Array.from({ length: partitions }, (_, p) => p)
      : [Number(values.partition)];
  let good = true;
  for (const partition of chosen) {
    const log = new PartitionLog(jsm, names, partition);
    const { first, end } = await log.state();
    const from = Math.max(Number(values.from ?? first), first);
    const to = Math.min(
      Number(values.to ?? (verb === "verify" ? (watermarks.get(partition) ?? 0) : end)),
      end,
    );
    for (let at = from; at <= to; at += CHUNK) {
      const last = Math.min(at + CHUNK - 1, to);
      if (verb === "replay") await replayRange(log, store, partition, at, last);
      const { equal, log: inLog, table } = await verifyRange(log, store, partition, at, last);
      good &&= equal;
      process.stdout.write(
        `${JSON.stringify({ partition, from: at, to: last, equal, log: inLog, table })}\n`,
      );
    }
  }
  return good;
}
