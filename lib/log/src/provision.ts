import type { JetStreamManager } from "@nats-io/jetstream";
import { JetStreamApiError } from "@nats-io/jetstream";
import type { NatsConnection } from "@nats-io/transport-node";
import type { Names } from "@jichat/protocol/bus/names.ts";
import { LEVEL_KNOWN } from "@jichat/protocol/level.ts";
import type { LogSettings } from "@jichat/protocol/log/streams.ts";
import type { Layout } from "@jichat/protocol/log/layout.ts";
import { agreeOnLayout } from "./layout.ts";
import type { StreamOptions } from "./streams.ts";
import { streamsOf } from "./streams.ts";

const STREAM_NOT_FOUND = 10_059;

/**
 * Streams are missing, and this process must not make them: they may have existed before, with people's
 * messages.
 */
export class StreamsMissing extends Error {
  override readonly name = "StreamsMissing";
}

/**
 * The layout of a cluster whose streams and buckets another process makes. Throws StreamsMissing while one is
 * missing.
 */
export async function layoutOfOthers(
  nats: NatsConnection,
  jsm: JetStreamManager,
  names: Names,
  wanted: LogSettings,
): Promise<Layout> {
  const settings = `KV_${names.settings}`;
  const streams = streamsOf(names, wanted).map(({ name }) => name);
  const gone = await missingStreams(jsm, [settings, ...streams]);
  if (gone.length > 0)
    throw new StreamsMissing(
      `${gone.length} streams are missing, ${gone[0]} first: the operator creates them`,
    );
  return agreeOnLayout(nats, names, wanted, 0); // Its logs exist, so the cluster is not new.
}

interface Provision {
  readonly nats: NatsConnection;
  readonly jsm: JetStreamManager;
  readonly names: Names;
  readonly wanted: LogSettings;
  /**
   * Names of streams that existed before, with people's messages. If one of them is missing, StreamsMissing
   * is thrown.
   */
  readonly had?: readonly string[] | undefined;
  /** The level of a new cluster. A caller that does not know which builds will run in the cluster says 0. */
  readonly level?: number;
}

/** Makes the missing streams and buckets of a cluster, and changes none that exists. Returns the layout. */
export async function provision({
  nats,
  jsm,
  names,
  wanted,
  had = [],
  level = LEVEL_KNOWN,
}: Provision): Promise<Layout> {
  // A cluster with a log is not new, even if its settings are gone: it may have been made by an older build.
  const isNew = (await missingStreams(jsm, [names.logStream(0)])).length > 0;
  const layout = await agreeOnLayout(nats, names, wanted, isNew ? level : 0);
  await makeMissing(jsm, streamsOf(names, { ...wanted, partitions: layout.partitions }), had);
  return layout;
}

/** Makes the missing ones of these streams. Throws StreamsMissing if a missing one is in `had`. */
export async function makeMissing(
  jsm: JetStreamManager,
  streams: readonly StreamOptions[],
  had: readonly string[],
): Promise<void> {
  await Promise.all(
    streams.map(async (config) => {
      try {
        await jsm.streams.info(config.name);
      } catch (error) {
        if (!(error instanceof JetStreamApiError) || error.code !== STREAM_NOT_FOUND) throw error;
        if (had.includes(config.name))
          throw new StreamsMissing(
            `${config.name} existed and is missing: no missing stream is created again`,
          );
        await jsm.streams.add(config);
      }
    }),
  );
}

/** Returns those of these streams that do not exist. */
export async function missingStreams(
  jsm: JetStreamManager,
  streams: readonly string[],
): Promise<readonly string[]> {
  const found = await Promise.all(
    streams.map(async (name) => {
      try {
        await jsm.streams.info(name);
        return true;
      } catch (error) {
        if (!(error instanceof JetStreamApiError) || error.code !== STREAM_NOT_FOUND) throw error;
        return false;
      }
    }),
  );
  return streams.filter((_, at) => found[at] === false);
}

/**
 * Corrects the mutable settings of existing streams: limits, ages and numbers of copies. Returns the names of
 * the streams that it changed, or with `lookOnly` of those that it would change. A missing stream is one of
 * those: an older version made the others.
 */
export async function putBackStreams(
  jsm: JetStreamManager,
  names: Names,
  wanted: LogSettings,
  lookOnly: boolean,
): Promise<readonly string[]> {
  const streams = streamsOf(names, wanted);
  const changed = [
    ...(await missingStreams(
      jsm,
      streams.map(({ name }) => name),
    )),
  ];
  const missing = new Set(changed);
  for (const { name, ...fields } of streams) {
    if (missing.has(name)) continue;
    const { config } = await jsm.streams.info(name);
    const differs = MUTABLE.some((key) => key in fields && config[key] !== fields[key]);
    if (!differs) continue;
    changed.push(name);
    if (!lookOnly) await jsm.streams.update(name, { ...config, ...mutableOf(fields) });
  }
  return changed;
}

/** Settings that may be changed. The server refuses to change any other, or would lose data by it. */
const MUTABLE = [
  "num_replicas",
  "max_msgs",
  "max_bytes",
  "max_age",
  "discard",
  "allow_direct",
  "duplicate_window",
] as const;

const mutableOf = (fields: Omit<StreamOptions, "name">): Partial<StreamOptions> =>
  Object.fromEntries(MUTABLE.flatMap((key) => (key in fields ? [[key, fields[key]]] : [])));

/** Deletes every stream and bucket of the cluster, with their data. */
export async function removeStreams(jsm: JetStreamManager, names: Names): Promise<void> {
  for await (const name of jsm.streams.names()) {
    const [, bucket = ""] = /^(?:KV|OBJ)_(.*)$/.exec(name) ?? [undefined, name];
    if (bucket.startsWith(`${names.cluster}-`)) await jsm.streams.delete(name);
  }
}
