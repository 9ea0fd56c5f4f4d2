import { ChatError } from "./errors.ts";

/**
 * What the admin port of a connector takes and answers at `/drain` and `/shed` (docs/operations.md). Times
 * are milliseconds since 1970.
 */

/** `waiting`: for another connector that takes devices. `drained`: none is left. */
const STATES = ["none", "waiting", "draining", "drained"] as const;
export type DrainState = (typeof STATES)[number];

/** The body of `POST /drain`. Without `perSecond`, devices leave evenly over the whole time. */
export interface DrainOrder {
  readonly deadlineSeconds?: number;
  readonly perSecond?: number;
}

/** The body of `POST /shed`: how many devices are to leave. 0 ends it. */
export interface ShedOrder {
  readonly connections: number;
  readonly perSecond: number;
}

export interface DrainReport {
  readonly state: DrainState;
  readonly since?: number;
  readonly deadline?: number;
  /** Sockets that are open now. */
  readonly connections: number;
  /** Devices that were told to go, in this drain. */
  readonly told: number;
  /** Sockets that this drain closed, since their devices had not gone in time. */
  readonly forced: number;
}

export interface ShedReport {
  /** Devices that are still to be told. */
  readonly left: number;
  readonly told: number;
  readonly forced: number;
  readonly connections: number;
}

const DEADLINE_SECONDS_MAX = 3_600;
export const PER_SECOND_MAX = 100_000;
/**
 * The longest wait of a connector that ends for another one, before its drain. More would not fit into what a
 * stop has beyond its drain (`endBehind`), with the 11 s in which it flushes.
 */
export const SUCCESSOR_WAIT_MS_MAX = 15_000;
const CONNECTIONS_MAX = 1_000_000;

interface Range {
  readonly min: number;
  readonly max: number;
}
const DRAIN_FIELDS = {
  deadlineSeconds: { min: 1, max: DEADLINE_SECONDS_MAX },
  perSecond: { min: 1, max: PER_SECOND_MAX },
} as const;
const SHED_FIELDS = {
  connections: { min: 0, max: CONNECTIONS_MAX },
  perSecond: { min: 1, max: PER_SECOND_MAX },
} as const;

/** An empty body is an order without any field. Throws INVALID, which names what is wrong. */
export function readDrainOrder(text: string): DrainOrder {
  return integersOf(text.trim() === "" ? {} : parsed(text), DRAIN_FIELDS);
}

/** Both fields are required. Throws INVALID, which names what is wrong. */
export function readShedOrder(text: string): ShedOrder {
  const { connections, perSecond } = integersOf(parsed(text), SHED_FIELDS);
  if (connections === undefined || perSecond === undefined)
    throw refused(`\`${connections === undefined ? "connections" : "perSecond"}\` is missing`);
  return { connections, perSecond };
}

const refused = (why: string): ChatError => new ChatError("INVALID", why);

function parsed(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch (cause) {
    throw new ChatError("INVALID", "the body is not JSON", { cause });
  }
}

/**
 * A field that is not known is refused: it may be a misspelt one, without which the order means another
 * thing.
 */
function integersOf<K extends string>(
  value: unknown,
  ranges: Readonly<Record<K, Range>>,
): Partial<Record<K, number>> {
  if (typeof value !== "object" || value === null || Array.isArray(value))
    throw refused("the body is not a JSON object");
  const found: Partial<Record<K, number>> = {};
  for (const [name, given] of Object.entries(value)) {
    if (!Object.hasOwn(ranges, name))
      throw refused(
        `\`${name.slice(0, 40)}\` is not a field: the fields are ${Object.keys(ranges).join(" and ")}`,
      );
    const { min, max } = ranges[name as K];
    if (!Number.isSafeInteger(given) || (given as number) < min || (given as number) > max)
      throw refused(`\`${name}\` is not an integer from ${min} to ${max}`);
    found[name as K] = given as number;
  }
  return found;
}

const isCount = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0;

export const reportText = (report: DrainReport | ShedReport): string => `${JSON.stringify(report)}\n`;

/** Parses the answer of `GET /drain`. Throws a RangeError if a field is missing or wrong. */
export function readDrainReport(text: string): DrainReport {
  const said = JSON.parse(text) as Partial<Record<keyof DrainReport, unknown>>;
  const { state, since, deadline, connections, told, forced } = said;
  const known = STATES.find((name) => name === state);
  if (known === undefined || !isCount(connections) || !isCount(told) || !isCount(forced))
    throw new RangeError("this is no report of a drain");
  return {
    state: known,
    ...(isCount(since) ? { since } : {}),
    ...(isCount(deadline) ? { deadline } : {}),
    connections,
    told,
    forced,
  };
}

/** Parses the answer of `GET /shed`. Throws a RangeError if a field is missing or wrong. */
export function readShedReport(text: string): ShedReport {
  const { left, told, forced, connections } = JSON.parse(text) as Partial<Record<keyof ShedReport, unknown>>;
  if (!isCount(left) || !isCount(told) || !isCount(forced) || !isCount(connections))
    throw new RangeError("this is no report of a shed");
  return { left, told, forced, connections };
}
