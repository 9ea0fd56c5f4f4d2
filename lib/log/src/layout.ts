import type { JetStreamManager } from "@nats-io/jetstream";
import { JetStreamApiError } from "@nats-io/jetstream";
import { Kvm } from "@nats-io/kv";
import type { NatsConnection } from "@nats-io/transport-node";
import type { Names } from "@jichat/protocol/bus/names.ts";
import { LEVEL_KNOWN, asLevel } from "@jichat/protocol/level.ts";
import type { LogSettings } from "@jichat/protocol/log/streams.ts";

/** The key in the settings bucket that every process reads before it does anything. */
export const LAYOUT_KEY = "layout";
const NO_MESSAGE = 10_037;

/** What a cluster was made with, and its level. */
export interface Layout {
  /** It can never change: it is part of where every conversation stands. */
  readonly partitions: number;
  /** It never falls. */
  readonly level: number;
}

/**
 * At level 0 exactly what builds of level 0 write. They refuse to start where `version` is above 1, and know
 * nothing of levels: so from level 1 on it is 2. Builds that know levels go by `level`.
 */
export const encodeLayout = ({ partitions, level }: Layout): string =>
  JSON.stringify(level === 0 ? { version: 1, partitions } : { version: 2, partitions, level });

/** Throws for what is no layout, and for one whose version this build does not know. */
export function decodeLayout(text: string, cluster: string): Layout {
  const { version, partitions, level = 0 } = JSON.parse(text) as Partial<Record<string, unknown>>;
  if (version !== 1 && version !== 2)
    throw new Error(
      `cluster ${cluster} has layout version ${String(version)}, this build knows 2: use a newer JiChat`,
    );
  if (typeof partitions !== "number") throw new Error(`cluster ${cluster} has a layout without partitions`);
  return { partitions, level: asLevel(level) };
}

/** A process that does not know the cluster's level could not read all that is written at it. */
export class LevelUnknown extends Error {
  override readonly name = "LevelUnknown";

  constructor(cluster: string, level: number) {
    super(
      `cluster ${cluster} is at level ${level}, and this build knows levels up to ${LEVEL_KNOWN}: ` +
        "start a build that knows it; a level never falls (docs/operations.md, An upgrade)",
    );
  }
}

/** The layout as it is; undefined where the cluster was never made. The stream's leader answers. */
export async function readLayout(jsm: JetStreamManager, names: Names): Promise<Layout | undefined> {
  try {
    const message = await jsm.streams.getMessage(`KV_${names.settings}`, {
      last_by_subj: `$KV.${names.settings}.${LAYOUT_KEY}`,
    });
    return message === null ? undefined : decodeLayout(message.string(), names.cluster);
  } catch (error) {
    if (error instanceof JetStreamApiError && error.code === NO_MESSAGE) return undefined;
    throw error;
  }
}

/**
 * The layout of the cluster, written if nobody has yet: then the cluster is at `levelOfNew`. Throws
 * LevelUnknown where its level is above what this build knows.
 */
export async function agreeOnLayout(
  nats: NatsConnection,
  names: Names,
  wanted: LogSettings,
  levelOfNew: number,
): Promise<Layout> {
  const settings = await new Kvm(nats).create(names.settings, {
    replicas: wanted.replicas,
    history: 1,
    allow_direct: false,
  });
  const mine: Layout = { partitions: wanted.partitions, level: levelOfNew };
  const found = await settings.get(LAYOUT_KEY);
  if (found === null || found.operation !== "PUT") {
    try {
      await settings.create(LAYOUT_KEY, encodeLayout(mine));
      return mine;
    } catch (error) {
      if (!(error instanceof JetStreamApiError)) throw error;
      // Another process was quicker: what it wrote counts.
      return agreeOnLayout(nats, names, wanted, levelOfNew);
    }
  }
  const layout = decodeLayout(found.string(), names.cluster);
  if (layout.level > LEVEL_KNOWN) throw new LevelUnknown(names.cluster, layout.level);
  return layout;
}

/**
 * Raises the cluster's level and returns it. It never falls: where it is as high already, nothing is written.
 * The caller has made sure that every process knows `level`.
 */
export async function raiseLevel(nats: NatsConnection, names: Names, level: number): Promise<number> {
  if (asLevel(level) > LEVEL_KNOWN)
    throw new RangeError(`level ${level} is more than this build knows, which is ${LEVEL_KNOWN}`);
  const settings = await new Kvm(nats).open(names.settings);
  const found = await settings.get(LAYOUT_KEY);
  if (found === null || found.operation !== "PUT")
    throw new Error(`cluster ${names.cluster} was never made: there is no level to raise`);
  const layout = decodeLayout(found.string(), names.cluster);
  if (layout.level >= level) return layout.level;
  // Compare and set: it fails where somebody was quicker, and then the next try sees what they wrote.
  await settings.update(LAYOUT_KEY, encodeLayout({ ...layout, level }), found.revision);
  return level;
}
