import type { Cursor, Positions } from "./cursor.ts";

/** What positions are judged by. */
export interface ThisLog {
  /** Changes when a stream was made anew or the log was restored, and not with a generation. */
  identity(): string;
  /** Of an append that a partition's owner makes for the answer: above all that was there before. */
  position(partition: number): Promise<number>;
}

/**
 * False for positions of another life: of another log, of another number of partitions, or ahead of what
 * this log has come to. `now` may be behind the log, as a Redis that was lost is; the owner knows.
 */
export async function isOfThisLog(
  { identity, positions }: Cursor,
  now: Positions,
  log: ThisLog,
): Promise<boolean> {
  if (positions.length !== now.length) return false;
  if (identity !== undefined && identity !== log.identity()) return false;
  const above = await Promise.all(
    positions.map(async (position, partition) =>
      position <= (now[partition] ?? 0) ? position + 1 : log.position(partition),
    ),
  );
  return positions.every((position, partition) => position < (above[partition] ?? 0));
}
