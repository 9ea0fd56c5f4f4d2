/**
 * Every name that processes share. Each begins with the cluster's name, so several clusters can use the same
 * backends without a collision.
 */
export interface Names {
  readonly cluster: string;
  /** Connector or api to the owner of a partition: a request with a batch of commands. */
  command(partition: number): string;
  /**
   * Router to the connector that holds the sockets. Deliveries are acknowledged but not persisted: the log is
   * the durable copy.
   */
  deliver(connector: string): string;
  /** Push worker to connector: are these users active in the sessions that you hold? */
  activity(connector: string): string;
  /** One connector to another: a device that you hold is connected here now. */
  replace(connector: string): string;
  /** Router, connector and api to the storage that owns a partition: history, cold state, old ids. */
  query(partition: number): string;
  /** One router to another: take over this partition (clean hand-over). */
  handover(router: string): string;
  /**
   * One owner of partitions to another: are you there? An owner answers as long as it is connected. Without a
   * subscriber, its process or its connection has ended.
   */
  alive(owner: string): string;
  logStream(partition: number): string;
  logSubject(partition: number): string;
  readonly pushStream: string;
  pushSubject(partition: number): string;
  /** The durable consumer by which workers read a partition. */
  pushConsumer(partition: number): string;
  /** Dead letters: pushes that a provider refused for good. */
  readonly pushDeadStream: string;
  pushDeadSubject(partition: number): string;
  /** Devices that receive pushes, by user. */
  readonly pushDevices: string;
  /** Pushes that wait until their provider is up again, by device and conversation. */
  readonly pushLater: string;
  readonly leases: string;
  readonly owners: string;
  readonly accounts: string;
  /** Names of all users who have an account, without any of its data. */
  readonly people: string;
  readonly revocations: string;
  readonly watermarks: string;
  readonly snapshots: string;
  readonly settings: string;
  readonly database: string;
  /**
   * Prefix of every Redis key. `data` names the current data set; keys of another data set count as absent.
   */
  redis(data: string): string;
}

export function namesOf(cluster: string): Names {
  const bucket = (name: string): string => `${cluster}-${name}`;
  return {
    cluster,
    command: (partition) => `${cluster}.cmd.${partition}`,
    deliver: (connector) => `${cluster}.deliver.${connector}`,
    activity: (connector) => `${cluster}.activity.${connector}`,
    replace: (connector) => `${cluster}.replace.${connector}`,
    query: (partition) => `${cluster}.query.${partition}`,
    handover: (router) => `${cluster}.handover.${router}`,
    alive: (owner) => `${cluster}.alive.${owner}`,
    logStream: (partition) => `${cluster}-LOG-${partition}`,
    logSubject: (partition) => `${cluster}.log.${partition}`,
    pushStream: `${cluster}-PUSH`,
    pushSubject: (partition) => `${cluster}.push.${partition}`,
    pushConsumer: (partition) => `push-${partition}`,
    pushDeadStream: `${cluster}-PUSH-DEAD`,
    pushDeadSubject: (partition) => `${cluster}.push-dead.${partition}`,
    pushDevices: bucket("push"),
    pushLater: bucket("push-later"),
    leases: bucket("leases"),
    owners: bucket("owners"),
    accounts: bucket("accounts"),
    people: bucket("people"),
    revocations: bucket("revocations"),
    watermarks: bucket("watermarks"),
    snapshots: bucket("snapshots"),
    settings: bucket("settings"),
    database: cluster.replaceAll("-", "_"),
    redis: (data) => `${cluster}:${data}:`,
  };
}

/**
 * The inbox prefix of one NATS user. Each user has its own, so no user can read answers that it may not ask
 * for.
 */
export const inboxOf = (user: string): string => `_INBOX.${user}`;
