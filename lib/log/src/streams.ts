import type { StreamConfig } from "@nats-io/jetstream";
import { DiscardPolicy, RetentionPolicy, StorageType } from "@nats-io/jetstream";
import type { Names } from "@jichat/protocol/bus/names.ts";
import type { LogSettings } from "@jichat/protocol/log/streams.ts";
import { LEASE_TTL_MS, PUSH_AGE_MS, REVOCATION_TTL_MS } from "@jichat/protocol/log/streams.ts";

export type StreamOptions = Partial<StreamConfig> & { readonly name: string };

const PUSH_BYTES_MAX = 268_435_456;
/** Workers drop what is older than `PUSH_AGE_MS`, and count it: nothing should expire before they see it. */
const PUSH_LATER_MS = PUSH_AGE_MS + 3_600_000;
const PUSH_DEAD_MAX = 10_000;
const PUSH_DEAD_BYTES_MAX = 67_108_864;
const PUSH_DEAD_AGE_MS = 7 * 24 * 3_600_000;
const nanos = (ms: number): number => ms * 1_000_000;
/** The server's default. Nobody publishes into a bucket with a message id. */
const BUCKET_WINDOW_MS = 120_000;

/** Every stream and bucket of a cluster, except the settings bucket, which holds the number of partitions. */
export function streamsOf(names: Names, wanted: LogSettings): readonly StreamOptions[] {
  const stream = {
    storage: StorageType.File,
    retention: RetentionPolicy.Limits,
    num_replicas: wanted.replicas,
    discard: DiscardPolicy.New,
    allow_direct: false,
  };
  // A key-value bucket as in NATS's ADR-8: it keeps the latest value of each key.
  const bucket = (name: string, ttlMs = 0): StreamOptions => ({
    ...stream,
    name: `KV_${name}`,
    subjects: [`$KV.${name}.>`],
    max_msgs_per_subject: 1,
    max_age: nanos(ttlMs),
    duplicate_window: nanos(ttlMs === 0 ? BUCKET_WINDOW_MS : Math.min(ttlMs, BUCKET_WINDOW_MS)),
    allow_rollup_hdrs: true,
  });
  return [
    ...Array.from({ length: wanted.partitions }, (_, partition) => ({
      ...stream,
      name: names.logStream(partition),
      subjects: [names.logSubject(partition)],
      max_bytes: wanted.logBytesMax,
      duplicate_window: nanos(100),
    })),
    ...streamsOfPush(names, stream, bucket),
    bucket(names.accounts),
    bucket(names.people),
    bucket(names.watermarks),
    bucket(names.revocations, REVOCATION_TTL_MS),
    bucket(names.leases),
    bucket(names.owners, LEASE_TTL_MS),
    // An object store as in NATS's ADR-20: chunks and metadata.
    {
      ...stream,
      name: `OBJ_${names.snapshots}`,
      subjects: [`$O.${names.snapshots}.C.>`, `$O.${names.snapshots}.M.>`],
      allow_rollup_hdrs: true,
      allow_direct: true,
    },
  ];
}

/**
 * These streams alone may drop their oldest entries, since no push is worth sending for ever. Registrations
 * of devices are kept.
 */
function streamsOfPush(
  names: Names,
  stream: Partial<StreamConfig>,
  bucket: (name: string, ttlMs?: number) => StreamOptions,
): readonly StreamOptions[] {
  const queue = { ...stream, discard: DiscardPolicy.Old, duplicate_window: nanos(120_000) };
  return [
    {
      ...queue,
      name: names.pushStream,
      subjects: [names.pushSubject(-1).replace("-1", "*")],
      max_age: nanos(PUSH_AGE_MS),
      max_bytes: PUSH_BYTES_MAX,
    },
    {
      ...queue,
      name: names.pushDeadStream,
      subjects: [names.pushDeadSubject(-1).replace("-1", "*")],
      max_age: nanos(PUSH_DEAD_AGE_MS),
      max_msgs: PUSH_DEAD_MAX,
      max_bytes: PUSH_DEAD_BYTES_MAX,
    },
    bucket(names.pushDevices),
    { ...bucket(names.pushLater, PUSH_LATER_MS), discard: DiscardPolicy.Old, max_bytes: PUSH_BYTES_MAX },
  ];
}
