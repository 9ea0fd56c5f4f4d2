import type { JetStreamManager } from "@nats-io/jetstream";
import { JetStreamApiError, jetstreamManager } from "@nats-io/jetstream";
import { NoRespondersError, RequestError, TimeoutError } from "@nats-io/transport-node";
import type { NatsConnection } from "@nats-io/transport-node";
import type { Logger } from "pino";
import type { Names } from "@jichat/protocol/bus/names.ts";
import { systemClock } from "@jichat/protocol/clock.ts";
import { limited } from "@jichat/runtime/limited.ts";
import { onReconnect } from "@jichat/runtime/nats.ts";
import { LogIdentity, readIdentity } from "./log-identity.ts";
import type { LogOptions } from "./log-settings.ts";
import { Level, watchLevel } from "./level.ts";
import { StreamsMissing, layoutOfOthers, provision } from "./provision.ts";
import { watchQuorum } from "./quorum-watch.ts";

const TIMEOUT_MS = 5_000;
const RETRY_MS = 250;
/**
 * The limit for the start of the level's watch. The level itself is known by then, but a process that cannot
 * hear it rise should be restarted.
 */
const HEARD_WITHIN_MS = 30_000;
const UNAVAILABLE = 503;
const STREAM_NOT_FOUND = 10_059;

interface Waiting {
  readonly log: { warn(of: object, line: string): void };
  readonly signal: AbortSignal;
}

/** What `openCluster` needs from its caller. */
export interface OpenContext extends Waiting {
  readonly log: Pick<Logger, "info" | "warn" | "error">;
}

/** JetStream did not refuse: it did not answer in time, or it answered that it is not available now. */
const isUnanswered = (error: unknown): boolean =>
  error instanceof TimeoutError ||
  error instanceof NoRespondersError ||
  (error instanceof RequestError && error.isNoResponders()) ||
  (error instanceof JetStreamApiError && error.status === UNAVAILABLE);

/**
 * For streams that existed a moment ago: one of several servers may not know yet of a stream that another
 * process has just made.
 */
export const isNotKnownYet = (error: unknown): boolean =>
  isUnanswered(error) || (error instanceof JetStreamApiError && error.code === STREAM_NOT_FOUND);

/**
 * Repeats `act`, which must be idempotent, until it succeeds or the signal aborts. An error for which
 * `isWorthIt` is false is thrown at once.
 */
export async function untilAnswered<T>(
  what: string,
  act: () => Promise<T>,
  { log, signal }: Waiting,
  isWorthIt: (error: unknown) => boolean = isUnanswered,
): Promise<T> {
  for (;;) {
    try {
      return await act();
    } catch (cause) {
      signal.throwIfAborted();
      if (!isWorthIt(cause)) throw cause;
      log.warn({ err: cause }, `${what}: not ready yet, trying again`);
      await systemClock.sleep(RETRY_MS, signal);
    }
  }
}

/** Opens a JetStream manager. It retries, since a server that has just started answers 503 for a while. */
const openJetStream = async (nats: NatsConnection, waiting: Waiting): Promise<JetStreamManager> =>
  untilAnswered(
    "JetStream",
    async () => jetstreamManager(nats, { timeout: TIMEOUT_MS }),
    waiting,
    () => true,
  );

export interface Cluster {
  readonly jsm: JetStreamManager;
  readonly partitions: number;
  readonly identity: LogIdentity;
  readonly level: Level;
}

/**
 * Stops this process as a supervisor would: it hands over its work, and the next start reports what is wrong.
 */
const stopSelf = (): void => {
  process.kill(process.pid, "SIGTERM");
};

/**
 * Opens JetStream with all streams and buckets of a cluster. Those that are missing are made, or waited for
 * if another process makes them. Returns the number of partitions and the level too. It may take a while:
 * each stream with three copies first elects a leader, and there are 26 of them on what may be a busy disk.
 * Throws LevelUnknown if this build is too old.
 */
export async function openCluster(
  nats: NatsConnection,
  names: Names,
  wanted: LogOptions,
  waiting: OpenContext,
): Promise<Cluster> {
  const jsm = await openJetStream(nats, waiting);
  const { partitions, level: first } = await untilAnswered(
    "the cluster's streams and buckets",
    async () =>
      wanted.isMadeElsewhere
        ? layoutOfOthers(nats, jsm, names, wanted)
        : provision({ nats, jsm, names, wanted }),
    waiting,
    (error) => isUnanswered(error) || error instanceof StreamsMissing,
  );
  const logs = Array.from({ length: partitions }, (_, partition) => names.logStream(partition));
  void watchQuorum(nats, logs, waiting.log);
  const read = async (): Promise<string> => readIdentity(jsm, names, partitions);
  const known = await untilAnswered("the log's identity", read, waiting, isNotKnownYet);
  const identity = new LogIdentity(known, read, systemClock, (cause) => {
    waiting.log.warn(
      { err: cause },
      "the log's identity cannot be read at the moment: the last one stays in use",
    );
  });
  onReconnect(nats, () => void identity.refresh());
  const level = new Level(first);
  const follow = async (): Promise<void> =>
    watchLevel(level, { nats, names, ...waiting, onUnknown: stopSelf });
  const following = untilAnswered("the cluster's level", follow, waiting, isNotKnownYet);
  await limited("opening the watch of the bucket of settings", HEARD_WITHIN_MS, following);
  return { jsm, partitions, identity, level };
}
