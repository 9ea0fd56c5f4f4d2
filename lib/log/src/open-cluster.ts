import type { JetStreamManager } from "@nats-io/jetstream";
import { JetStreamApiError, jetstreamManager } from "@nats-io/jetstream";
import { NoRespondersError, RequestError, TimeoutError } from "@nats-io/transport-node";
import type { NatsConnection } from "@nats-io/transport-node";
import type { Logger } from "pino";
import type { Names } from "@jichat/protocol/bus/names.ts";
import { systemClock } from "@jichat/protocol/clock.ts";
import { limited } from "@jichat/runtime/limited.ts";
import { LogIdentity, readIdentity } from "./log-identity.ts";
import type { LogOptions } from "./log-settings.ts";
import { Level, watchLevel } from "./level.ts";
import { StreamsMissing, layoutOfOthers, provision } from "./provision.ts";
import { watchQuorum } from "./quorum-watch.ts";

const TIMEOUT_MS = 5_000;
const RETRY_MS = 250;
/** The level is known by then; who cannot hear that it is raised had better be started anew. */
const HEARD_WITHIN_MS = 30_000;
const UNAVAILABLE = 503;
const STREAM_NOT_FOUND = 10_059;

interface Waiting {
  readonly log: { warn(of: object, line: string): void };
  readonly signal: AbortSignal;
}

/** What a start needs of the context around it. */
export interface OpenContext extends Waiting {
  readonly log: Pick<Logger, "info" | "warn" | "error">;
}

/** JetStream did not say no: it did not say anything in time, or that it cannot just now. */
const isUnanswered = (error: unknown): boolean =>
  error instanceof TimeoutError ||
  error instanceof NoRespondersError ||
  (error instanceof RequestError && error.isNoResponders()) ||
  (error instanceof JetStreamApiError && error.status === UNAVAILABLE);

/**
 * Of streams that were all there a moment ago: of several servers one may not know yet what another process
 * has just made.
 */
export const isNotKnownYet = (error: unknown): boolean =>
  isUnanswered(error) || (error instanceof JetStreamApiError && error.code === STREAM_NOT_FOUND);

/**
 * Repeats `act`, which must be idempotent, while `isWorthIt` says so of what it throws, until the signal
 * aborts.
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

/** A JetStream manager, as soon as JetStream answers: a server that has just started says 503 for a while. */
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

/** As a supervisor would: what is under way is handed over, and the next start says what is wrong. */
const stopSelf = (): void => {
  process.kill(process.pid, "SIGTERM");
};

/**
 * JetStream with all of a cluster's streams and buckets, made if they are not there, or waited for where
 * another makes them; its number of partitions, and its level. A stream of three copies elects a leader
 * first, and 23 of them on a busy disk take their time. Throws LevelUnknown where this build is too old.
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
    waiting.log.warn({ err: cause }, "the log's identity: not readable just now, the last one counts");
  });
  const level = new Level(first);
  const follow = async (): Promise<void> =>
    watchLevel(level, { nats, names, ...waiting, onUnknown: stopSelf });
  const following = untilAnswered("the cluster's level", follow, waiting, isNotKnownYet);
  await limited("hearing the bucket of settings", HEARD_WITHIN_MS, following);
  return { jsm, partitions, identity, level };
}
