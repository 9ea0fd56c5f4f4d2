import { PATIENCE_MS } from "@jichat/runtime/patience.ts";

const NANOS_PER_MS = 1_000_000;
/**
 * So long a copy was not heard of before it is told of: leaders hear of each every second. That one lags by a
 * few appends while there are many is no sign of anything.
 */
const SILENT_MS = 10_000;

/** One copy, as the leader of its stream has it; `active`: nanoseconds since it was heard of. */
export interface CopySaid {
  readonly name: string;
  readonly offline?: boolean;
  readonly active: number;
}

/** What is read of `$JS.API.STREAM.INFO`; whatever is missing is not clustered. */
export interface StreamSaid {
  readonly error?: { readonly code: number };
  readonly cluster?:
    | { readonly leader?: string | undefined; readonly replicas?: readonly CopySaid[] }
    | undefined;
}

const wasHeard = ({ offline, active }: CopySaid, withinMs: number): boolean =>
  offline !== true && active <= withinMs * NANOS_PER_MS;

/**
 * Whether who said this has a quorum: a leader that heard of more than half of the copies lately. One that
 * was cut off answers for ten seconds more; then it says that there is no leader, and that it heard of all
 * copies just now.
 */
export function isInTouch({ error, cluster }: StreamSaid): boolean {
  if (error !== undefined) return false;
  const replicas = cluster?.replicas ?? [];
  if (replicas.length > 0 && (cluster?.leader ?? "") === "") return false;
  const heard = replicas.filter((replica) => wasHeard(replica, PATIENCE_MS));
  return 1 + heard.length > (1 + replicas.length) / 2;
}

/** Servers that do not keep up with their copies: down, cut off, or disabled, as by a full disk. */
export const silentCopies = ({ cluster }: StreamSaid): readonly string[] =>
  (cluster?.replicas ?? []).filter((replica) => !wasHeard(replica, SILENT_MS)).map(({ name }) => name);
