import type { Cursor, Positions } from "./cursor.ts";

/** What tells whether positions belong to the present log. */
export interface ThisLog {
  /** Changes if a stream was created anew or the log was restored. A new generation does not change it. */
  identity(): string;
  /** The position of an append that the owner makes for this answer. It is above everything stored before. */
  position(partition: number): Promise<number>;
}

/**
 * False if the positions belong to another log or another number of partitions, or are ahead of this log.
 * `now` may be behind the log, for example after a loss of Redis. Then the owner decides.
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
