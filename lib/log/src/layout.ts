import type { JetStreamManager } from "@nats-io/jetstream";
import { JetStreamApiError } from "@nats-io/jetstream";
import { Kvm } from "@nats-io/kv";
import type { NatsConnection } from "@nats-io/transport-node";
import type { Names } from "@jichat/protocol/bus/names.ts";
import { LEVEL_KNOWN, asLevel } from "@jichat/protocol/level.ts";
import type { Layout } from "@jichat/protocol/log/layout.ts";
import { LAYOUT_KEY, decodeLayout, encodeLayout } from "@jichat/protocol/log/layout.ts";
import type { LogSettings } from "@jichat/protocol/log/streams.ts";

const NO_MESSAGE = 10_037;

/** A process that does not know the cluster's level cannot read everything that is written at that level. */
export class LevelUnknown extends Error {
  override readonly name = "LevelUnknown";

  constructor(cluster: string, level: number) {
    super(
      `cluster ${cluster} is at level ${level}, and this build knows levels up to ${LEVEL_KNOWN}: ` +
        "start a build that knows it; a level never falls (docs/operations.md, An upgrade)",
    );
  }
}

/**
 * Reads the layout; `undefined` if the cluster was never made. The stream's leader answers, so it is never
 * stale.
 */
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
 * Reads the layout of the cluster. If there is none yet, it writes one at level `levelOfNew`. Throws
 * LevelUnknown if the cluster's level is above what this build knows.
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
      // Another process was faster: its layout counts.
      return agreeOnLayout(nats, names, wanted, levelOfNew);
    }
  }
  const layout = decodeLayout(found.string(), names.cluster);
  if (layout.level > LEVEL_KNOWN) throw new LevelUnknown(names.cluster, layout.level);
  return layout;
}

/**
 * Raises the cluster's level and returns the level. A level never falls: if it is as high already, nothing is
 * written. The caller has made sure that every process knows `level`.
 */
export async function raiseLevel(nats: NatsConnection, names: Names, level: number): Promise<number> {
  if (asLevel(level) > LEVEL_KNOWN)
    throw new RangeError(`level ${level} is above the newest level that this build knows, ${LEVEL_KNOWN}`);
  const settings = await new Kvm(nats).open(names.settings);
  const found = await settings.get(LAYOUT_KEY);
  if (found === null || found.operation !== "PUT")
    throw new Error(`cluster ${names.cluster} does not exist: there is no level to raise`);
  const layout = decodeLayout(found.string(), names.cluster);
  if (layout.level >= level) return layout.level;
  // Compare-and-set: it fails if another process was faster. The next attempt sees what that process wrote.
  await settings.update(LAYOUT_KEY, encodeLayout({ ...layout, level }), found.revision);
  return level;
}
