import { PATIENCE_MS } from "./patience.ts";

const NANOS_PER_MS = 1_000_000;
const UNAVAILABLE = 503;
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
  readonly cluster?: { readonly replicas?: readonly CopySaid[] } | undefined;
}

const wasHeard = ({ offline, active }: CopySaid, withinMs: number): boolean =>
  offline !== true && active <= withinMs * NANOS_PER_MS;

/**
 * Whether who said this has a quorum: a leader that heard of more than half of the copies lately, or a
 * server that knows what the cluster has not. A leader that was cut off answers for ten seconds more.
 */
export function isInTouch({ error, cluster }: StreamSaid): boolean {
  if (error !== undefined) return error.code !== UNAVAILABLE;
  const replicas = cluster?.replicas ?? [];
  const heard = replicas.filter((replica) => wasHeard(replica, PATIENCE_MS));
  return 1 + heard.length > (1 + replicas.length) / 2;
}

/** Servers that do not keep up with their copies: down, cut off, or disabled, as by a full disk. */
export const silentCopies = ({ cluster }: StreamSaid): readonly string[] =>
  (cluster?.replicas ?? []).filter((replica) => !wasHeard(replica, SILENT_MS)).map(({ name }) => name);
