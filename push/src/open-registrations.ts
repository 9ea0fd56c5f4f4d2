import type { NatsConnection } from "@nats-io/transport-node";
import { PushDevices } from "@jichat/identity/push-devices.ts";
import type { Names } from "@jichat/protocol/bus/names.ts";
import type { Clock } from "@jichat/protocol/clock.ts";
import { Bucket } from "@jichat/runtime/bucket.ts";
import { hearingOf } from "@jichat/runtime/hearing.ts";
import type { Log } from "./ports.ts";
import { RegistrationCache } from "./registration-cache.ts";

export interface RegistrationsParts {
  readonly nats: NatsConnection;
  readonly names: Names;
  readonly clock: Clock;
  readonly log: Log;
  readonly signal: AbortSignal;
}

/** The registrations in KV, with a cache that follows their changes from now on. */
export async function openRegistrations(parts: RegistrationsParts): Promise<RegistrationCache> {
  const { nats, names, clock, log, signal } = parts;
  const registrations = await PushDevices.open(nats, names);
  const bucket = await Bucket.open(nats, names.pushDevices);
  const hearing = hearingOf(log, "the bucket of registrations for pushes");
  const cache = new RegistrationCache({
    registrations,
    clock,
    isHeard: () => hearing.isHeard,
    log,
    signal,
  });
  const { streamInfo } = await bucket.kv.status();
  void follow(bucket, { from: streamInfo.state.last_seq, hearing, signal, cache });
  return cache;
}

interface Following {
  readonly from: number;
  readonly hearing: ReturnType<typeof hearingOf>;
  readonly signal: AbortSignal;
  readonly cache: RegistrationCache;
}

async function follow(bucket: Bucket, { from, hearing, signal, cache }: Following): Promise<void> {
  try {
    for await (const { key } of bucket.follow(from, hearing, signal))
      if (key.startsWith("u.")) cache.changed(key.slice(2));
  } catch (error) {
    hearing.lost(error); // The connection is closed. From now on the shorter age limit holds.
  }
}
