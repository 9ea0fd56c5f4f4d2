import type { NatsConnection } from "@nats-io/transport-node";
import type { Names } from "@jichat/protocol/bus/names.ts";
import { raiseLevel } from "@jichat/log/layout.ts";
import type { Level } from "@jichat/log/level.ts";
import { olderOwners } from "@jichat/log/owners.ts";
import { print } from "./commands.ts";

interface LevelCommandParts {
  readonly nats: NatsConnection;
  readonly names: Names;
  readonly level: Pick<Level, "said">;
}

/**
 * Runs `level`, which shows the cluster's level, or `level N`, which raises it. If it may not be raised,
 * writes the reason to standard error and returns false.
 */
export async function runLevel(
  args: readonly string[],
  { nats, names, level }: LevelCommandParts,
): Promise<boolean> {
  const { known, cluster } = level.said;
  const [text] = args;
  const wanted = text === undefined ? cluster : Number(text);
  const why =
    refusal(args, wanted, { known, cluster }) ??
    (wanted > cluster ? await whoIsOlder(nats, names, wanted) : undefined);
  if (why !== undefined) {
    process.stderr.write(`${why}\n`);
    return false;
  }
  const now = wanted > cluster ? await raiseLevel(nats, names, wanted) : cluster;
  print({ cluster: names.cluster, level: now, known });
  return true;
}

/** Why this level may not be requested; undefined if it may. */
export function refusal(
  args: readonly string[],
  wanted: number,
  { known, cluster }: Level["said"],
): string | undefined {
  if (args.length > 1 || !Number.isSafeInteger(wanted) || wanted < 0)
    return "usage: node storage/src/main.ts level [N]";
  if (wanted < cluster)
    return `the cluster is at level ${cluster}: a level never falls, since what was written at that level stays`;
  if (wanted > known)
    return `this build knows levels up to ${known}: raise the level to ${wanted} with a newer build`;
  return undefined;
}

async function whoIsOlder(nats: NatsConnection, names: Names, level: number): Promise<string | undefined> {
  const older = await olderOwners(nats, names, level);
  return older.length === 0
    ? undefined
    : `these processes do not report that they know level ${level}: ${older.join(", ")}; replace them first, or wait a few seconds for those that have ended`;
}
