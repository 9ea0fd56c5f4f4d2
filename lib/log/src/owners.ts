import type { NatsConnection } from "@nats-io/transport-node";
import { levelOfOwner } from "@jichat/protocol/bus/kv-values.ts";
import type { Names } from "@jichat/protocol/bus/names.ts";
import { Bucket } from "@jichat/runtime/bucket.ts";

/** More owners than any cluster has. A bucket with more is not ours. */
const OWNERS_MAX = 10_000;

/**
 * Living routers and storages that do not report that they know `level`, as `role.instance`. A crashed one is
 * listed until its entry expires, a few seconds later.
 */
export async function olderOwners(
  nats: NatsConnection,
  names: Names,
  level: number,
): Promise<readonly string[]> {
  const owners = await Bucket.open(nats, names.owners);
  const keys: string[] = [];
  for await (const key of owners.keys(">")) {
    if (keys.length === OWNERS_MAX) throw new Error(`there are more than ${OWNERS_MAX} owners`);
    keys.push(key);
  }
  const older: string[] = [];
  for (const key of keys.sort()) {
    const entry = await owners.kv.get(key);
    if (entry === null || entry.operation !== "PUT") continue; // The owner left meanwhile.
    if ((levelOfOwner(entry.string()) ?? -1) < level) older.push(key);
  }
  return older;
}
