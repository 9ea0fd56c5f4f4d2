/** A short form such as `0-3, 7`, since a status should not list 256 numbers. */
function ranges(partitions: readonly number[]): string {
  const parts: [number, number][] = [];
  for (const partition of [...new Set(partitions)].sort((a, b) => a - b)) {
    const last = parts.at(-1);
    if (last !== undefined && last[1] === partition - 1) last[1] = partition;
    else parts.push([partition, partition]);
  }
  return parts.map(([from, to]) => (from === to ? String(from) : `${from}-${to}`)).join(", ");
}

/** `partition 3`, or `partitions 0-3, 7`. */
export const namedPartitions = (partitions: readonly number[]): string =>
  `${new Set(partitions).size === 1 ? "partition" : "partitions"} ${ranges(partitions)}`;
