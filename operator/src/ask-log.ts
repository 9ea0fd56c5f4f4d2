import type { JetStreamManager } from "@nats-io/jetstream";
import { jetstreamManager } from "@nats-io/jetstream";
import type { NatsConnection } from "@nats-io/transport-node";
import { connect } from "@nats-io/transport-node";
import type { Names } from "@jichat/protocol/bus/names.ts";
import { namesOf } from "@jichat/protocol/bus/names.ts";
import { readLayout } from "@jichat/log/layout.ts";
import { readIdentity } from "@jichat/log/log-identity.ts";
import { readNatsUrl } from "@jichat/runtime/nats-url.ts";
import { missingStreams, provision, putBackStreams } from "@jichat/log/provision.ts";
import { streamsOf } from "@jichat/log/streams.ts";
import type { LogMemory } from "./crd/status.ts";
import { clusterNameOf } from "./desired/names.ts";
import type { DesiredInput } from "./desired/desired-input.ts";
import type { Door } from "./door.ts";
import { messageOf } from "./kube/errors.ts";
import { withdrawPushOffer } from "./push-offer.ts";
import type { StreamsSeen } from "./plan.ts";

/**
 * The annotation's value is the identity of a log that is lost for good. Only then may another log be
 * accepted or created.
 */
export const FORGET_ANNOTATION = "chat.jichat.io/forget-log";
const TIMEOUT_MS = 4_000;

const logSettings = ({ cluster: { spec } }: DesiredInput) => ({
  partitions: spec.partitions,
  replicas: spec.durability.replicas,
  logBytesMax: spec.retention.logBytesPerPartition,
});

/**
 * Connects to NATS for one `act`, and closes the connection afterwards. It never reconnects: a lost
 * connection rejects, and each request takes 4 s at most.
 */
export async function withConnection<T>(
  { url, tls }: Door,
  act: (nats: NatsConnection) => Promise<T>,
): Promise<T> {
  const nats = await connect({
    ...readNatsUrl(url, tls),
    name: "jichat-operator",
    reconnect: false,
    timeout: TIMEOUT_MS,
  });
  try {
    return await act(nats);
  } finally {
    await nats.close();
  }
}

/** The same with JetStream, which the system account does not have. */
export const withNats = async <T>(
  door: Door,
  act: (jsm: JetStreamManager, nats: NatsConnection) => Promise<T>,
): Promise<T> =>
  withConnection(door, async (nats) => act(await jetstreamManager(nats, { timeout: TIMEOUT_MS }), nats));

/** The streams beside the logs. Streams that only a later version adds are not counted as missing. */
const besideLogs = (names: Names, wanted: ReturnType<typeof logSettings>): string[] => [
  `KV_${names.settings}`,
  ...streamsOf(names, { ...wanted, partitions: 0 }).map(({ name }) => name),
];

const logsOf = (names: Names, partitions: number): string[] =>
  Array.from({ length: partitions }, (_, partition) => names.logStream(partition));

const hadOf = (names: Names, log: LogMemory | undefined): readonly string[] =>
  log === undefined ? [] : [...log.streams, ...logsOf(names, log.partitions)];

/** The log that this ChatCluster had, unless an annotation says to forget it. */
function remembered({ cluster }: DesiredInput): LogMemory | undefined {
  const log = cluster.status?.log;
  return cluster.metadata.annotations?.[FORGET_ANNOTATION] === log?.identity ? undefined : log;
}

const cure = ({ cluster: { metadata } }: DesiredInput, { identity }: LogMemory): string =>
  `put its NATS store back; if it is lost for good: kubectl annotate chat ${metadata.name} ${FORGET_ANNOTATION}=${identity} --overwrite`;

const SHOWN = 3;
const few = (all: readonly string[]): string =>
  all.length <= SHOWN ? all.join(", ") : `${all.slice(0, SHOWN).join(", ")} and ${all.length - SHOWN} more`;

/**
 * A stream that existed is gone. A new one would be empty, in place of people's messages, so it is reported
 * as lost.
 */
async function lost(
  jsm: JetStreamManager,
  names: Names,
  input: DesiredInput,
): Promise<StreamsSeen | undefined> {
  const log = remembered(input);
  if (log === undefined) return undefined;
  const gone = await missingStreams(jsm, hadOf(names, log));
  if (gone.length === 0) return undefined;
  return {
    ok: false,
    fault: "LogLost",
    message: `NATS lacks ${few(gone)}, which this ChatCluster had: nothing is created again; ${cure(input, log)}`,
  };
}

/**
 * Creates missing streams and buckets, and corrects the ones that differ. Only looks while the cluster is
 * paused.
 */
export async function askStreams(
  input: DesiredInput,
  jsm: JetStreamManager,
  nats: NatsConnection,
): Promise<StreamsSeen> {
  const names = namesOf(clusterNameOf(input.cluster));
  const wanted = logSettings(input);
  const lookOnly = input.cluster.spec.paused;
  const gone = await lost(jsm, names, input);
  if (gone !== undefined) return gone;
  const had = hadOf(names, remembered(input)); // A stream may vanish right now.
  // The builds of the pods are not known here. The pods report their levels, and then the level is raised.
  const layout = lookOnly
    ? await readLayout(jsm, names)
    : await provision({ nats, jsm, names, wanted, had, level: 0 });
  const { partitions } = layout ?? wanted;
  if (partitions !== wanted.partitions)
    return {
      ok: false,
      message: `the logs were made with ${partitions} partitions, but spec.partitions is ${wanted.partitions}: set it to ${partitions}, or delete the streams of ${names.cluster}`,
    };
  const differing = await putBackStreams(jsm, names, wanted, lookOnly);
  if (!lookOnly && input.cluster.spec.push === undefined) await withdrawPushOffer(jsm, names);
  const identity = await readIdentity(jsm, names, partitions);
  const before = remembered(input);
  if (before !== undefined && before.identity !== identity)
    return {
      ok: false,
      fault: "LogReplaced",
      message: `the log is ${identity}, but this ChatCluster had ${before.identity}: ${cure(input, before)}, and the present one is used`,
    };
  const log: LogMemory = { identity, partitions, streams: besideLogs(names, wanted) };
  const message =
    differing.length === 0
      ? `${partitions} logs, ${wanted.replicas} copies each`
      : `${differing.join(", ")} ${lookOnly ? "differ" : "were put back"}`;
  const ok = !lookOnly || differing.length === 0;
  return { ok, message, log, ...(layout === undefined ? {} : { level: layout.level }) };
}

/** Like `askStreams`, but a refusal of JetStream becomes the result. */
export const lookAtStreams = async (
  input: DesiredInput,
  jsm: JetStreamManager,
  nats: NatsConnection,
): Promise<StreamsSeen> =>
  askStreams(input, jsm, nats).catch((error: unknown) => ({
    ok: false,
    message: `JetStream refuses: ${messageOf(error)}`,
  }));
