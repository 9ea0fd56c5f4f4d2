/** On a pod that was told to send some of its devices to others. */
export const SHED_ANNOTATION = "chat.jichat.io/shed";

export interface ShedMark {
  /** Time of day in ms, since another operator may read it. */
  readonly since: number;
  /** The devices that it was told to send away, and how many of them in one second. */
  readonly connections: number;
  readonly perSecond: number;
  /** How often it was told without getting down to its share. */
  readonly rounds: number;
  /** The request of a person that it was told for. */
  readonly asked?: string;
}

/** As people read it in `kubectl describe pod`. */
export const shedMarkText = ({ since, ...mark }: ShedMark): string =>
  JSON.stringify({ since: new Date(since).toISOString(), ...mark });

const isCount = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 1;

/** The mark on a pod. What cannot be read is nothing that we wrote, and says nothing. */
export function readShedMark(text: string | undefined): ShedMark | undefined {
  if (text === undefined) return undefined;
  try {
    const { since, connections, perSecond, rounds, asked } = JSON.parse(text) as Partial<
      Record<keyof ShedMark, unknown>
    >;
    const at = typeof since === "string" ? Date.parse(since) : Number.NaN;
    if (Number.isNaN(at) || !isCount(connections) || !isCount(perSecond) || !isCount(rounds))
      return undefined;
    return { since: at, connections, perSecond, rounds, ...(typeof asked === "string" ? { asked } : {}) };
  } catch {
    return undefined; // Not JSON.
  }
}
