import type { JetStreamManager, StreamConfig } from "@nats-io/jetstream";
import { DiscardPolicy, JetStreamApiError, RetentionPolicy, StorageType } from "@nats-io/jetstream";
import { Kvm } from "@nats-io/kv";
import type { NatsConnection } from "@nats-io/transport-node";
import type { Names } from "@jichat/protocol/bus/names.ts";
import type { LogSettings } from "@jichat/protocol/log/streams.ts";
import { PUSH_AGE_MS, REVOCATION_TTL_MS } from "@jichat/protocol/log/streams.ts";

const LAYOUT_VERSION = 1;
const PUSH_BYTES_MAX = 268_435_456;
const STREAM_NOT_FOUND = 10_059;
const nanos = (ms: number): number => ms * 1_000_000;

/**
 * What a cluster was made with. `partitions` can never change: it is part of where every conversation
 * stands.
 */
interface Layout {
  readonly version: number;
  readonly partitions: number;
}

async function agreeOnLayout(nats: NatsConnection, names: Names, wanted: LogSettings): Promise<number> {
  const settings = await new Kvm(nats).create(names.settings, {
    replicas: wanted.replicas,
    history: 1,
    allow_direct: false,
  });
  const mine: Layout = { version: LAYOUT_VERSION, partitions: wanted.partitions };
  const found = await settings.get("layout");
  if (found === null || found.operation !== "PUT") {
    try {
      await settings.create("layout", JSON.stringify(mine));
      return wanted.partitions;
    } catch (error) {
      if (!(error instanceof JetStreamApiError)) throw error;
      return agreeOnLayout(nats, names, wanted); // Another process was quicker: what it wrote counts.
    }
  }
  const layout = found.json<Layout>();
  if (layout.version > LAYOUT_VERSION) {
    throw new Error(
      `cluster ${names.cluster} has layout version ${layout.version}, this build knows ${LAYOUT_VERSION}: use a newer JiChat`,
    );
  }
  return layout.partitions;
}

async function ensureStream(
  jsm: JetStreamManager,
  config: Partial<StreamConfig> & { name: string },
): Promise<void> {
  try {
    await jsm.streams.info(config.name);
  } catch (error) {
    if (!(error instanceof JetStreamApiError) || error.code !== STREAM_NOT_FOUND) throw error;
    await jsm.streams.add(config);
  }
}

/** Makes what is missing of a cluster's streams and buckets, changes nothing that is there, and returns P. */
export async function provision(
  nats: NatsConnection,
  jsm: JetStreamManager,
  names: Names,
  wanted: LogSettings,
): Promise<number> {
  const partitions = await agreeOnLayout(nats, names, wanted);
  const stream = {
    storage: StorageType.File,
    num_replicas: wanted.replicas,
    retention: RetentionPolicy.Limits,
    duplicate_window: nanos(100),
  };
  await Promise.all(
    Array.from({ length: partitions }, (_, partition) =>
      ensureStream(jsm, {
        ...stream,
        name: names.logStream(partition),
        subjects: [names.logSubject(partition)],
        discard: DiscardPolicy.New,
        max_bytes: wanted.logBytesMax,
        allow_direct: false,
      }),
    ),
  );
  // The one queue that may drop: what offline members missed, for as long as a push is worth sending.
  await ensureStream(jsm, {
    ...stream,
    name: names.pushStream,
    subjects: [names.pushSubject(-1).replace("-1", "*")],
    discard: DiscardPolicy.Old,
    max_age: nanos(PUSH_AGE_MS),
    max_bytes: PUSH_BYTES_MAX,
    duplicate_window: nanos(120_000),
  });
  const kvm = new Kvm(nats);
  const bucket = { replicas: wanted.replicas, history: 1, allow_direct: false };
  await kvm.create(names.accounts, bucket);
  await kvm.create(names.watermarks, bucket);
  await kvm.create(names.revocations, { ...bucket, ttl: REVOCATION_TTL_MS });
  return partitions;
}
