import { build } from "hdr-histogram-js";
import type { Usage } from "../generator/cpu.ts";
import { countCpu } from "../generator/cpu.ts";
import { pause, watchLoad } from "../generator/load.ts";
import type { Load } from "../generator/load.ts";
import type { Percentiles } from "../generator/talk.ts";
import { percentilesOf, recordMs } from "../generator/talk.ts";
import { generate } from "../generate.ts";
import type { PushLab } from "./lab.ts";
import { FEW, queueOf } from "./lab.ts";
import { indexOf, placesOf } from "./places.ts";
import { isSmall } from "./scale.ts";

const RUN_MS = isSmall ? 1_000 : 5_000;
const WARM_MS = isSmall ? 500 : 2_000;
const SETTLE_MS = 30_000;

/** One run at a rate. */
export interface Pushed {
  readonly rate: number;
  readonly queued: number;
  /** Of them, those that were pushed. */
  readonly received: number;
  readonly repeated: number;
  /** Pushes per second, from the first message to the last push. */
  readonly reached: number;
  /** Milliseconds from the time at which a message was due to its push, after the warm-up. */
  readonly delay: Percentiles;
  /** CPU seconds for 1,000 pushes, over the whole run. `publisher` and `receiver` are the benchmark's own. */
  readonly cpu: Usage;
  /** Of the publisher, and of the receiver. */
  readonly loads: readonly Load[];
}

/** Entries of earlier runs. */
let earlier = FEW;

/** Runs one rate, of one push for each entry. Resolves once all has come, or after 30 s. */
export async function pushAt({ lab, sink, circle }: PushLab, rate: number): Promise<Pushed> {
  const from = earlier;
  const warm = Math.round((rate * WARM_MS) / 1_000);
  const total = warm + Math.round((rate * RUN_MS) / 1_000);
  earlier += total;
  const places = placesOf(circle);
  const conversations = new Map(places.map(({ conversation }, index) => [conversation, index >> 1]));
  const landed = new Float64Array(total);
  let received = 0;
  sink.forget();
  sink.onLanded = ({ conversation, seq }) => {
    const index = indexOf(conversations.get(conversation) ?? 0, seq, places.length) - from;
    if (landed[index] !== 0) return; // Of an earlier run, whose end was not waited for.
    landed[index] = Date.now();
    received += 1;
  };
  const [usage, watch] = [countCpu(lab.pids), watchLoad({})];
  const begun = performance.now();
  const told = await generate("queuePushes", { ...circle, ...queueOf(lab), rate, count: total, from });
  const end = performance.now() + SETTLE_MS;
  const isDone = (): boolean => received >= total;
  while (!isDone() && performance.now() < end) await pause(20);
  const [cpu, receiver] = [usage(), watch()];
  const receiving = performance.now() - begun;
  const histogram = build();
  for (let index = warm; index < total; index += 1)
    if (landed[index] !== 0)
      recordMs(histogram, (landed[index] ?? 0) - told.startedAt - (index * 1_000) / rate);
  const own = {
    publisher: (told.generatorShare * total) / rate,
    receiver: (receiver.generatorShare * receiving) / 1_000,
  };
  const each = Object.entries({ ...cpu, ...own }).map(
    ([name, seconds]) => [name, (1_000 * seconds) / total] as const,
  );
  const lastAt = landed.reduce((last, at) => Math.max(last, at), told.startedAt);
  return {
    rate,
    queued: total,
    received,
    reached: (1_000 * received) / (lastAt - told.startedAt),
    repeated: sink.repeated,
    delay: percentilesOf(histogram),
    cpu: Object.fromEntries(each),
    loads: [told, receiver],
  };
}
