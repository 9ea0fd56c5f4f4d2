import { build } from "hdr-histogram-js";
import { come } from "./asker.ts";
import { pause } from "./load.ts";
import type { Door } from "./people.ts";
import { inParallel, leave } from "./people.ts";
import type { Percentiles } from "./talk.ts";
import { percentilesOf, recordMs } from "./talk.ts";

export interface PagesArgs {
  readonly door: Door;
  /**
   * The messages that the conversation gets first. All are in ClickHouse before the first page is requested.
   */
  readonly messages: number;
  /** The number of pages of 50, one after the other: of the newest page, and of older ones. */
  readonly hotPages: number;
  readonly coldPages: number;
}

export interface Pages {
  readonly conversation: string;
  /**
   * `hot` is the newest page, repeatedly, including its first read. `cold` are older pages, none twice in a
   * row.
   */
  readonly hot: Percentiles;
  readonly cold: Percentiles;
}

const FLUSHED_MS = 3_000;
const LIMIT = 50;

/** The milliseconds of a page of 50, from the frame to the answer. */
export async function pages({ door, messages, hotPages, coldPages }: PagesArgs): Promise<Pages> {
  const reader = await come(door, "h");
  const { ask } = reader;
  const send = async (): Promise<string> => ask({ t: "send", to: "h-peer", body: { text: "x".repeat(150) } });
  const { conversation } = JSON.parse(await send()) as { conversation: string };
  await inParallel(messages, 32, async () => {
    await send();
  });
  await pause(FLUSHED_MS);
  const measure = async (count: number, where: (at: number) => object): Promise<Percentiles> => {
    const histogram = build();
    for (let at = 0; at < count; at += 1) {
      const started = performance.now();
      await ask({ t: "pull", conversation, limit: LIMIT, ...where(at) });
      recordMs(histogram, performance.now() - started);
    }
    return percentilesOf(histogram);
  };
  const hot = await measure(hotPages, () => ({}));
  const cold = await measure(coldPages, (at) => ({ before: LIMIT + 2 + ((at * 37) % (messages / 3)) }));
  leave([reader]);
  return { conversation, hot, cold };
}
