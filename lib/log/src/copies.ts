import { PATIENCE_MS } from "@jichat/runtime/patience.ts";

const NANOS_PER_MS = 1_000_000;
/**
 * A copy that was silent for longer than this is reported. Leaders hear of each copy every second. A lag of a
 * few appends under load is no sign of a fault, so lag is not looked at.
 */
const SILENT_MS = 10_000;

/**
 * One copy as the leader of its stream reports it. `active` is the time since the leader heard of it, in
 * nanoseconds.
 */
export interface CopySaid {
  readonly name: string;
  readonly offline?: boolean;
  readonly active: number;
}

/** The parts of `$JS.API.STREAM.INFO` that we read. A stream without `cluster` is not clustered. */
export interface StreamSaid {
  readonly error?: { readonly code: number };
  readonly cluster?:
    | { readonly leader?: string | undefined; readonly replicas?: readonly CopySaid[] }
    | undefined;
}

const wasHeard = ({ offline, active }: CopySaid, withinMs: number): boolean =>
  offline !== true && active <= withinMs * NANOS_PER_MS;

/**
 * Whether the server that gave this answer has a quorum: a leader that heard recently of more than half of
 * the copies. A leader that was cut off still answers as leader for ten seconds. After that it reports no
 * leader, and claims to have heard of all copies just now.
 */
export function isInTouch({ error, cluster }: StreamSaid): boolean {
  if (error !== undefined) return false;
  const replicas = cluster?.replicas ?? [];
  if (replicas.length > 0 && (cluster?.leader ?? "") === "") return false;
  const heard = replicas.filter((replica) => wasHeard(replica, PATIENCE_MS));
  return 1 + heard.length > (1 + replicas.length) / 2;
}

/**
 * Names of servers whose copies do not keep up: the server is down, cut off, or disabled (by a full disk, for
 * example).
 */
export const silentCopies = ({ cluster }: StreamSaid): readonly string[] =>
  (cluster?.replicas ?? []).filter((replica) => !wasHeard(replica, SILENT_MS)).map(({ name }) => name);
