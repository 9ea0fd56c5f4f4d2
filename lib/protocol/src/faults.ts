/**
 * Faults that a component finds in itself and a person has to know of. `/faults` of its admin port lists
 * them; the operator polls it.
 */
export const FAULTS = [
  /** A log ends before a position that was committed: nobody serves its partition. */
  "LogRegressed",
  /**
   * A partition has an owner but serves nobody: its log accepts no appends, or its owner makes no progress.
   */
  "PartitionStopped",
  /** A log has more than its share of bytes: messages are refused. */
  "LogFull",
  /** A nats-server's copy of a log has been behind for a long time. */
  "LogCopyBehind",
  /** Storage receives nothing from a log: history ends there. */
  "LogUnheard",
  /** ClickHouse has accepted nothing for a long time, though rows wait. */
  "HistoryStuck",
  /**
   * Credentials of a push provider cannot be read, or the provider refuses them: what is pushed by it waits.
   * It names no partitions.
   */
  "PushCredentialsRefused",
] as const;
export type FaultName = (typeof FAULTS)[number];

export interface Fault {
  readonly fault: FaultName;
  /** Empty for a fault of a whole component. */
  readonly partitions: readonly number[];
  /**
   * Text for people. It contains no figure that changes while the fault lasts, so that the text stays the
   * same.
   */
  readonly why: string;
}

const isText = (value: unknown): value is string => typeof value === "string";
const isFault = (value: unknown): value is Fault => {
  const { fault, partitions, why } = (value ?? {}) as Partial<Record<keyof Fault, unknown>>;
  return (
    isText(fault) &&
    (FAULTS as readonly string[]).includes(fault) &&
    Array.isArray(partitions) &&
    partitions.every((partition) => Number.isSafeInteger(partition)) &&
    isText(why)
  );
};

export const faultsText = (faults: readonly Fault[]): string => `${JSON.stringify(faults)}\n`;

/**
 * Parses the answer of `/faults`. Faults that only a newer version knows are left out. Throws if it is not a
 * list.
 */
export function readFaults(text: string): readonly Fault[] {
  const value: unknown = JSON.parse(text);
  if (!Array.isArray(value)) throw new TypeError("faults must be a list");
  return value.filter(isFault);
}
