import { jetstream } from "@nats-io/jetstream";
import { connect } from "@nats-io/transport-node";
import { namesOf } from "@jichat/protocol/bus/names.ts";
import type { QueuedMessage } from "@jichat/protocol/bus/push.ts";
import { encodePushEntries } from "@jichat/protocol/bus/push.ts";
import { backlogEntry } from "../push/backlog.ts";
import type { Circle } from "../push/places.ts";
import { placesOf } from "../push/places.ts";

export interface FillQueueArgs extends Circle {
  readonly natsUrl: string;
  readonly cluster: string;
  readonly entries: number;
  readonly firstSeq: number;
}

export interface Filled {
  /** Messages of the stream. */
  readonly messages: number;
  /** Entries that are too old to be sent. */
  readonly old: number;
  /** Entries for somebody who has no device for pushes. */
  readonly unregistered: number;
}

/** Entries in one message of the stream. */
const PACKED = 20;
const IN_FLIGHT = 64;

/** Writes what has piled up in a push queue (`push/backlog.ts`). */
export async function fillPushQueue(args: FillQueueArgs): Promise<Filled> {
  const { natsUrl, cluster, partitions, entries, firstSeq: first } = args;
  const nats = await connect({ servers: natsUrl });
  const js = jetstream(nats);
  const names = namesOf(cluster);
  const filled = { messages: 0, old: 0, unregistered: 0, wanted: 0 };
  const waiting = Array.from({ length: partitions }, (): QueuedMessage[] => []);
  const flying = new Set<Promise<unknown>>();
  const flush = async (partition: number): Promise<void> => {
    const packed = waiting[partition]?.splice(0) ?? [];
    if (packed.length === 0) return;
    filled.messages += 1;
    const put = js.publish(names.pushSubject(partition), encodePushEntries(packed)).finally(() => {
      flying.delete(put);
    });
    flying.add(put);
    if (flying.size >= IN_FLIGHT) await Promise.race(flying);
  };
  const about = { places: placesOf(args), first, now: Date.now() };
  for (let index = 0; index < entries; index += 1) {
    const { partition, entry, kind } = backlogEntry(index, about);
    filled[kind] += 1;
    waiting[partition]?.push(entry);
    if ((waiting[partition]?.length ?? 0) >= PACKED) await flush(partition);
  }
  for (const partition of waiting.keys()) await flush(partition);
  await Promise.all(flying);
  await nats.close();
  return filled;
}
