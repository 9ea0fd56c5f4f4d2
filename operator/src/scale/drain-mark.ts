/** On a pod that is to go: why and since when, and how far its drain is. The whole state of a drain. */
export const DRAIN_ANNOTATION = "chat.jichat.io/drain";

const WHYS = ["ScaleIn", "OldRevision", "Asked"] as const;
export type Why = (typeof WHYS)[number];

/** Times are times of day in ms, since another operator may read them. */
export interface DrainMark {
  readonly why: Why;
  readonly since: number;
  /** Set once it is the next whose devices are told: nothing else moved or ended at that moment. */
  readonly turnSince?: number;
  /** Set once its devices are told to go: those that are left then are closed. */
  readonly deadline?: number;
  /** Set together with the deadline: devices that it may tell to go in one second. */
  readonly perSecond?: number;
  /** Set once it may go: the replicas that its Deployment is lowered to, and since when. */
  readonly to?: number;
  readonly goesSince?: number;
  /** Devices were still connected when it had to go. */
  readonly forced?: number;
}

const TIMES = ["since", "turnSince", "deadline", "goesSince"] as const;
const NUMBERS = ["perSecond", "to", "forced"] as const;

const timeOf = (value: unknown): number | undefined => {
  const at = typeof value === "string" ? Date.parse(value) : Number.NaN;
  return Number.isNaN(at) ? undefined : at;
};

const countOf = (value: unknown): number | undefined =>
  Number.isSafeInteger(value) && (value as number) >= 0 ? (value as number) : undefined;

/** As people read it in `kubectl describe pod`. */
export const markText = (mark: DrainMark): string =>
  JSON.stringify({
    why: mark.why,
    ...Object.fromEntries(
      TIMES.flatMap((name) => (mark[name] === undefined ? [] : [[name, new Date(mark[name]).toISOString()]])),
    ),
    ...Object.fromEntries(NUMBERS.flatMap((name) => (mark[name] === undefined ? [] : [[name, mark[name]]]))),
  });

/**
 * The mark on a pod. A person may have written it, so what it lacks is filled in: a mark that cannot be read
 * is a drain that was asked for and has not begun. `now` is the time of a mark without one.
 */
export function readMark(text: string | undefined, now: number): DrainMark | undefined {
  if (text === undefined) return undefined;
  let fields: Readonly<Record<string, unknown>> = {};
  try {
    const parsed: unknown = JSON.parse(text);
    if (typeof parsed === "object" && parsed !== null) fields = parsed as typeof fields;
  } catch {
    // Not JSON: it is what a person wrote, and means the same as "Asked".
  }
  const why = WHYS.find((one) => one === fields["why"]) ?? "Asked";
  const times = TIMES.map((name) => [name, timeOf(fields[name])] as const);
  const numbers = NUMBERS.map((name) => [name, countOf(fields[name])] as const);
  const known = [...times, ...numbers].filter(([, value]) => value !== undefined);
  return { why, since: now, ...Object.fromEntries(known) };
}
