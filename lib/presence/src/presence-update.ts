import type { ListEntry } from "@jichat/protocol/bus/query.ts";
import type { StoredHead } from "./presence-texts.ts";
import { briefText, entryText, facetsLength, isWhole } from "./presence-texts.ts";

/** What the effects of a batch change in Redis, and the users whose sessions they need; or a part of that. */
export interface PresenceUpdate {
  readonly partition: number;
  /** Position in the log up to which this update goes. */
  readonly position: number;
  /** True with the last part of an update: effects up to `position` are done. */
  readonly isDone: boolean;
  /**
   * Latest heads. A head that was dropped from memory is a brief, which marks the one in Redis as too old.
   */
  readonly heads: readonly StoredHead[];
  readonly entries: readonly UserEntry[];
  /**
   * Users whose lists lack entries that were dropped from memory. A list is complete again once storage has
   * told it as of `position` or later.
   */
  readonly unsure: readonly string[];
  readonly users: readonly string[];
}

export interface UserEntry {
  readonly user: string;
  readonly entry: ListEntry;
}

/**
 * Most cost of one script: Redis does nothing else while it runs. A value that is written costs 1; a long one
 * costs more.
 */
export const SCRIPT_COST_MAX = 4_000;
const TEXT_PER_COST = 512;

export const headCost = (head: StoredHead): number =>
  1 + Math.floor(isWhole(head) ? ((head.last?.body?.length ?? 0) + facetsLength(head)) / TEXT_PER_COST : 0);

export function updateCost({ heads, entries, unsure, users }: PresenceUpdate): number {
  let cost = entries.length + unsure.length + users.length;
  for (const head of heads) cost += headCost(head);
  return cost;
}

export const headArgs = (head: StoredHead): string[] => [
  head.conversation,
  briefText(head),
  isWhole(head) ? JSON.stringify(head) : "",
];

/** Arguments of the script `publish`, between `keepFrom` and the users. */
export function publishArgs(updates: readonly PresenceUpdate[]): (string | number)[] {
  const heads = updates.flatMap((update) => update.heads);
  const entries = updates.flatMap((update) => update.entries);
  const unsure = updates.flatMap(({ partition, position, unsure: users }) =>
    users.map((user) => [partition, position, user] as const),
  );
  const done = updates.filter(({ isDone }) => isDone);
  const args: (string | number)[] = [heads.length, entries.length, unsure.length, done.length];
  for (const head of heads) args.push(...headArgs(head));
  for (const { user, entry } of entries) args.push(user, entry.conversation, entryText(entry));
  for (const one of unsure) args.push(...one);
  for (const { partition, position } of done) args.push(partition, position);
  return args;
}
