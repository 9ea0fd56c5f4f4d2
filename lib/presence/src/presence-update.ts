import type { ListEntry } from "@jichat/protocol/bus/query.ts";
import type { StoredHead } from "./presence-texts.ts";
import { briefText, entryText, facetsLength, isWhole } from "./presence-texts.ts";

/** What a batch's effects change in Redis, and whose sessions they ask for; or a part of that. */
export interface PresenceUpdate {
  readonly partition: number;
  /** Of the log: as of there. */
  readonly position: number;
  /** With the last that is written: effects up to `position` are done. */
  readonly isDone: boolean;
  /** Of one that nobody holds any more its brief: what Redis has is too old. */
  readonly heads: readonly StoredHead[];
  readonly entries: readonly UserEntry[];
  /** Whose lists lack what nobody holds any more: they are whole again once they are read as of `position`. */
  readonly unsure: readonly string[];
  readonly users: readonly string[];
}

export interface UserEntry {
  readonly user: string;
  readonly entry: ListEntry;
}

/** Of one script: Redis does nothing else meanwhile. What writes one value costs 1; longer ones cost more. */
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

/** What the script of a publication is told, but for what it begins with and for users. */
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
