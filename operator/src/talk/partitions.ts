import { ChatError } from "@jichat/protocol/errors.ts";
import { partitionOf } from "@jichat/protocol/ids.ts";
import { namedPartitions } from "../named-partitions.ts";
import type { Device } from "./device.ts";
import { whyOf } from "./why.ts";

/**
 * The number of questions in one talk. Each is answered by a refusal, and too many refusals close a socket.
 */
export const PARTITIONS_MAX = 128;
const SHOWN = 3;

/**
 * For each partition, the name of a conversation that cannot exist: no group and no pair of people has it.
 */
const strangers = new Map<number, readonly string[]>();

/**
 * One conversation that does not exist for each partition, by the partition's number. Computed once per
 * count.
 */
export function strangersOf(partitions: number): readonly string[] {
  const known = strangers.get(partitions);
  if (known !== undefined) return known;
  const found = new Map<number, string>();
  for (let at = 0; found.size < partitions; at += 1) {
    const name = `synthetic-${at}`;
    const partition = partitionOf(name, partitions);
    if (!found.has(partition)) found.set(partition, name);
  }
  const names = Array.from({ length: partitions }, (_, partition) => found.get(partition) ?? "");
  strangers.set(partitions, names);
  return names;
}

type Outcome = "answers" | "not asked" | { readonly why: string };

/**
 * Asks one partition for a conversation that does not exist. The owner answers after an append to its log,
 * and storage answers from ClickHouse after it has read up to there. So the whole path of the partition has
 * answered, and nothing is stored.
 */
async function ask(device: Device, conversation: string, partition: number): Promise<Outcome> {
  const frame = { t: "pull", id: `p${partition}`, conversation, limit: 1 };
  try {
    await device.insist(frame, "page", ["RATE_LIMITED"]);
    return "answers";
  } catch (error) {
    if (!(error instanceof ChatError)) return { why: whyOf(error) };
    if (error.code === "NOT_FOUND") return "answers";
    return error.code === "RATE_LIMITED" ? "not asked" : { why: whyOf(error) };
  }
}

/**
 * Asks as many partitions as fit into one talk, from `from` on. Returns those that fail, and where to
 * continue next time.
 */
export async function partitionsThatFail(
  device: Device,
  partitions: number,
  from: number,
): Promise<{ readonly failed: string | undefined; readonly next: number }> {
  const names = strangersOf(partitions);
  const asked = Array.from(
    { length: Math.min(partitions, PARTITIONS_MAX) },
    (_, at) => (from + at) % partitions,
  );
  const outcomes = await Promise.all(
    asked.map(async (partition) => ask(device, names[partition] ?? "", partition)),
  );
  const failed = asked.flatMap((partition, at) => {
    const outcome = outcomes[at];
    return typeof outcome === "object" ? [{ partition, why: outcome.why }] : [];
  });
  const skipped = outcomes.indexOf("not asked");
  const next = (from + (skipped < 0 ? asked.length : skipped)) % partitions;
  return { failed: failed.length === 0 ? undefined : tell(failed), next };
}

/** Each reason once, with its partitions. */
function tell(failed: readonly { readonly partition: number; readonly why: string }[]): string {
  const by = Map.groupBy(failed, ({ why }) => why);
  return [...by]
    .slice(0, SHOWN)
    .map(([why, of]) => `${namedPartitions(of.map(({ partition }) => partition))}: ${why}`)
    .join("; ");
}
