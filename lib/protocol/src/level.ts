/**
 * The newest level of a cluster that this build knows. A level names the forms that may be written and the
 * verbs that are answered. A build reads the forms of every level up to this one, and writes those of the
 * level that its cluster has (docs/adr/0028-levels.md).
 */
export const LEVEL_KNOWN = 2;

/**
 * The answer of `/level` of an admin port: the newest level that the process knows, and the cluster's level
 * that it follows.
 */
export interface SaidLevel {
  readonly known: number;
  readonly cluster: number;
}

/** Checks that `value` is a level: an integer from 0 to 65,535. Throws a RangeError otherwise. */
export function asLevel(value: unknown): number {
  if (typeof value === "number" && Number.isSafeInteger(value) && value >= 0 && value <= 65_535) return value;
  throw new RangeError(`${JSON.stringify(value)} is not a level`);
}

/**
 * Parses the answer of `/level`. Throws if a field is missing or wrong: a process that names no level is not
 * at level 0.
 */
export function readSaidLevel(text: string): SaidLevel {
  const { known, cluster } = JSON.parse(text) as Partial<Record<keyof SaidLevel, unknown>>;
  const said = { known: asLevel(known), cluster: asLevel(cluster) };
  if (said.cluster > said.known) throw new RangeError("a process cannot use a level that it does not know");
  return said;
}

export const saidLevelText = (said: SaidLevel): string => `${JSON.stringify(said)}\n`;
