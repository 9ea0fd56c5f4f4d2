/** One copy, as the leader of its group reports it. */
export interface CopyLevel {
  readonly name: string;
  readonly current?: boolean;
  readonly offline?: boolean;
  readonly lag?: number;
}

/** The group that keeps the copies of one stream, one consumer, or of NATS's own state. */
export interface GroupSaid {
  readonly leader?: string | undefined;
  readonly replicas?: readonly CopyLevel[] | null | undefined;
}

const isLevel = ({ current, offline, lag }: CopyLevel): boolean =>
  current === true && offline !== true && (lag ?? 0) === 0;

/**
 * Says what is wanting in a group; undefined if it has a leader and every copy is level. The lag is not
 * named, since the status would then change with each append.
 */
export function behindIn(what: string, copies: number, said: GroupSaid | undefined): string | undefined {
  if (said?.leader === undefined || said.leader === "") return `${what} has no leader`;
  const replicas = said.replicas ?? [];
  if (replicas.length + 1 < copies) return `${what} has ${replicas.length + 1} of ${copies} copies`;
  const behind = replicas.filter((replica) => !isLevel(replica)).map(({ name }) => name);
  return behind.length === 0 ? undefined : `${what} is behind on ${behind.toSorted().join(", ")}`;
}
