import type { Circle } from "../push/places.ts";
import { messageTo, placesOf } from "../push/places.ts";

export interface FillQueueArgs extends Circle {
  readonly natsUrl: string;
  readonly cluster: string;
  readonly entries: number;
  readonly firstSeq: number;
}

export interface Filled {
  /** Messages of the stream. */
  readonly messages: number;
  /** Of these messages, by their own length. */
  readonly bytes: number;
  /** Entries that are too old to be sent. */
  readonly old: number;
  /** Entries for somebody who has no device for pushes. */
  readonly unregistered: number;
}

/** Messages of one person in a row, to the same other person. */
const BURST = 10;
/** Of 20 bursts one is too old, and one is for somebody without a device. */
const [KINDS, OLD, UNREGISTERED] = [20, 7, 13];
const OLD_MS = 25 * 3_600_000;
const STRANGERS = 1_000;
/** Entries in one message of the stream. */
const PACKED = 20;
const IN_FLIGHT = 64;

/** What has piled up in the push queue: all places in turn, ten messages in a row each. */
export async function fillPushQueue(args: FillQueueArgs): Promise<Filled> {
  const { jetstream } = await import("@nats-io/jetstream");
  const { connect } = await import("@nats-io/transport-node");
  const { encodePushEntries } = await import("@jichat/protocol/bus/push.ts");
  const { namesOf } = await import("@jichat/protocol/bus/names.ts");
  const places = placesOf(args);
  const nats = await connect({ servers: args.natsUrl });
  const js = jetstream(nats);
  const names = namesOf(args.cluster);
  const filled = { messages: 0, bytes: 0, old: 0, unregistered: 0 };
  const waiting = Array.from({ length: args.partitions }, (): ReturnType<typeof messageTo>[] => []);
  const under = new Set<Promise<unknown>>();
  const flush = async (partition: number): Promise<void> => {
    const entries = waiting[partition]?.splice(0) ?? [];
    if (entries.length === 0) return;
    const bytes = encodePushEntries(entries);
    filled.messages += 1;
    filled.bytes += bytes.length;
    const put = js.publish(names.pushSubject(partition), bytes).finally(() => under.delete(put));
    under.add(put);
    if (under.size >= IN_FLIGHT) await Promise.race(under);
  };
  const now = Date.now();
  for (let index = 0; index < args.entries; index += 1) {
    const burst = Math.floor(index / BURST);
    const place = places[burst % places.length];
    if (place === undefined) throw new Error("there is nobody to push to");
    const round = Math.floor(burst / places.length);
    const seq = args.firstSeq + BURST * (2 * round + (burst % 2)) + (index % BURST);
    const kind = burst % KINDS;
    const to = kind === UNREGISTERED ? `stranger${burst % STRANGERS}` : place.to;
    if (kind === OLD) filled.old += 1;
    if (kind === UNREGISTERED) filled.unregistered += 1;
    const entry = messageTo({ ...place, to }, { seq, ts: kind === OLD ? now - OLD_MS : now });
    waiting[place.partition]?.push(entry);
    if ((waiting[place.partition]?.length ?? 0) >= PACKED) await flush(place.partition);
  }
  for (const partition of waiting.keys()) await flush(partition);
  await Promise.all(under);
  await nats.close();
  return filled;
}
