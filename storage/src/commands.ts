import type { JetStreamManager } from "@nats-io/jetstream";
import type { NatsConnection } from "@nats-io/transport-node";
import { parseArgs } from "node:util";
import type { Names } from "@jichat/protocol/bus/names.ts";
import type { HeadEntry } from "@jichat/protocol/bus/query.ts";
import { partitionOf } from "@jichat/protocol/ids.ts";
import { PartitionLog } from "@jichat/log/partition-log.ts";
import { Snapshots } from "@jichat/log/snapshots.ts";
import { readWatermarks } from "./batch-writer.ts";
import { startGeneration } from "./start-generation.ts";
import type { Store } from "./store.ts";
import { replayRange, verifyRange } from "./verify.ts";

export interface CommandParts {
  readonly nats: NatsConnection;
  readonly jsm: JetStreamManager;
  readonly names: Names;
  readonly store: Store;
  readonly partitions: number;
  /** The heads that Redis knows. A lost conversation that Redis does not know is not filled. */
  readonly heads: () => AsyncIterable<HeadEntry>;
}

interface Options {
  readonly partition?: string | undefined;
  readonly from?: string | undefined;
  readonly to?: string | undefined;
  readonly above?: string | undefined;
}

const USAGE = [
  "usage: node storage/src/main.ts verify|replay [--partition N] [--from POSITION] [--to POSITION]",
  "       node storage/src/main.ts migrate",
  "       node storage/src/main.ts generation --partition N [--above POSITION]",
  "",
].join("\n");
const CHUNK = 2_000;

/** Prints a command's result as one line of JSON. The log goes to standard error. */
export const print = (value: object): void => {
  process.stdout.write(`${JSON.stringify(value)}\n`);
};

/**
 * `verify` compares ranges of the log with ClickHouse, `replay` writes them again, `generation` lets a
 * regressed log continue. Returns false if something differs or the arguments are wrong.
 */
export async function runCommand(args: readonly string[], parts: CommandParts): Promise<boolean> {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      partition: { type: "string" },
      from: { type: "string" },
      to: { type: "string" },
      above: { type: "string" },
    },
  });
  const [verb] = positionals;
  if (verb === "verify" || verb === "replay") return overRanges(verb, values, parts);
  if (verb === "generation" && values.partition !== undefined) return newGeneration(values, parts);
  process.stderr.write(USAGE);
  return false;
}

async function overRanges(
  verb: "verify" | "replay",
  values: Options,
  { jsm, names, store, partitions }: CommandParts,
): Promise<boolean> {
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
      if (verb === "replay") await replayRange(log, store, { partition, from: at, to: last });
      const compared = await verifyRange(log, store, { partition, from: at, to: last });
      good &&= compared.equal;
      print({ partition, from: at, to: last, ...compared });
    }
  }
  return good;
}

async function newGeneration(values: Options, parts: CommandParts): Promise<boolean> {
  const { nats, jsm, names, store, partitions } = parts;
  const partition = Number(values.partition);
  const snapshots = await Snapshots.open(nats, names);
  const heads: HeadEntry[] = [];
  for await (const head of parts.heads())
    if (partitionOf(head.conversation, partitions) === partition) heads.push(head);
  const report = await startGeneration({
    partition,
    log: new PartitionLog(jsm, names, partition),
    store,
    snapshot: await snapshots.load(partition),
    heads,
    above: Number(values.above ?? 0),
  });
  await snapshots.remove(partition);
  print(report);
  return true;
}
