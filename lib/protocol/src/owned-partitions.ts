/** The answer of `/partitions` of an admin port: the partitions that the process owns, in rising order. */
export const partitionsText = (partitions: Iterable<number>): string =>
  `${JSON.stringify([...partitions].sort((a, b) => a - b))}\n`;

/** Parses the answer of `/partitions`. Throws a TypeError if it is not a list of partitions. */
export function readPartitions(text: string): readonly number[] {
  const value: unknown = JSON.parse(text);
  if (!Array.isArray(value) || !value.every((one) => Number.isSafeInteger(one) && one >= 0))
    throw new TypeError("partitions must be a list of whole numbers");
  return value;
}
