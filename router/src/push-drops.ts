/** How far workers are with one partition of the push queue. */
export interface PartitionLook {
  /** Position of the last message that a worker was given; 0 if there was none. */
  readonly given: number;
  /** Messages that no worker was given yet. */
  readonly waiting: number;
}

/** The push queue at one moment. */
export interface PushQueueLook {
  /** Position of the oldest message that it keeps. */
  readonly first: number;
  /** By partition; without those of which nothing is known. */
  readonly partitions: ReadonlyMap<number, PartitionLook>;
}

/**
 * Messages that went from the queue between two looks though no worker was given all of them. What went after
 * it was given is not among them: the queue keeps that for a day too. At most so many, since messages of
 * other partitions lie between those of one.
 */
export function droppedBetween(before: PushQueueLook, now: PushQueueLook): number {
  // Of a partition in which nothing waited, nothing can have been dropped, however long ago its last one was.
  const ungiven = [...now.partitions].flatMap(([partition, { given }]) =>
    (before.partitions.get(partition)?.waiting ?? 0) > 0 ? [given + 1] : [],
  );
  return Math.max(0, now.first - Math.max(before.first, Math.min(...ungiven)));
}
