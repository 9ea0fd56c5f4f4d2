/**
 * What a component knows of itself that a person has to know too; `/faults` of its admin port has it, the
 * operator asks there.
 */
export const FAULTS = [
  /** A log ends before what was committed: its partition serves nobody. */
  "LogRegressed",
  /** A partition has an owner, and nobody is served: its log takes nothing, or its owner gets nowhere. */
  "PartitionStopped",
  /** A log is over its share: messages are refused. */
  "LogFull",
  /** A nats-server has not kept up with its copy of a log for long. */
  "LogCopyBehind",
  /** Storage hears nothing of a log: history stops there. */
  "LogUnheard",
  /** ClickHouse has taken nothing for long, though something waits. */
  "HistoryStuck",
] as const;
export type FaultName = (typeof FAULTS)[number];

export interface Fault {
  readonly fault: FaultName;
  readonly partitions: readonly number[];
  /** For people; no figure that changes while the fault stays. */
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

/** What `/faults` answered; of a newer version only what is known here. Throws for what is no list. */
export function readFaults(text: string): readonly Fault[] {
  const value: unknown = JSON.parse(text);
  if (!Array.isArray(value)) throw new TypeError("faults are a list");
  return value.filter(isFault);
}
