import { messageTo, placesOf, seqOf } from "../push/places.ts";
import type { Circle } from "../push/places.ts";
import type { Load } from "./load.ts";
import { pause, watchLoad } from "./load.ts";
import { PushLanes } from "./push-lanes.ts";

export interface QueueArgs extends Circle {
  readonly natsUrl: string;
  readonly cluster: string;
  /** Entries per second, one recipient each. */
  readonly rate: number;
  readonly count: number;
  /** Entries of runs before: places go on having their turns, and seqs go on rising. */
  readonly from: number;
}

export interface Queued extends Load {
  /** Milliseconds since 1970 at which the first entry was due; the n-th after it is due n / rate s later. */
  readonly startedAt: number;
}

const TICK_MS = 2;

/** Open loop: entries of the push queue are written when they are due, to all places in turn. */
export async function queuePushes(args: QueueArgs): Promise<Queued> {
  const { natsUrl, cluster, partitions, rate, count, from } = args;
  const places = placesOf(args);
  const lanes = await PushLanes.open(natsUrl, cluster, partitions);
  const load = watchLoad({});
  const started = performance.now();
  const startedAt = Date.now();
  for (let sent = 0; sent < count; await pause(TICK_MS)) {
    const until = Math.min(count, 1 + Math.floor(((performance.now() - started) * rate) / 1_000));
    for (; sent < until; sent += 1) {
      const place = places[(from + sent) % places.length];
      if (place === undefined) throw new Error("there is nobody to push to");
      const seq = seqOf(from + sent, places.length);
      const ts = Math.round(startedAt + (sent * 1_000) / rate);
      lanes.add(place.partition, messageTo(place, { seq, ts }));
    }
  }
  const wanted = (count * 1_000) / rate;
  const how = load(Math.min(1, wanted / (performance.now() - started - TICK_MS)));
  await lanes.done();
  return { startedAt, ...how };
}
