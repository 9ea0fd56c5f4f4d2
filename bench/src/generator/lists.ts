import { build } from "hdr-histogram-js";
import { until } from "@jichat/testkit/until.ts";
import { come } from "./asker.ts";
import { pause } from "./load.ts";
import type { Door } from "./people.ts";
import { inParallel, leave } from "./people.ts";
import type { Percentiles } from "./talk.ts";
import { percentilesOf, recordMs } from "./talk.ts";

const FLUSHED_MS = 3_000;
const LIMIT = 50;
const BODY = { text: "x".repeat(150) };
/**
 * The other members of each group. There are several, so that its list of readers has more than the asker.
 */
const OTHERS = ["l-bob", "l-eve", "l-joe"];

export interface FillListArgs {
  readonly door: Door;
  /** The user with the list is `prefix0`. */
  readonly prefix: string;
  readonly conversations: number;
}

/** Puts a user into `conversations` groups, each with a message. Resolves once all of it is in ClickHouse. */
export async function fillList({ door, prefix, conversations }: FillListArgs): Promise<void> {
  const person = await come(door, prefix);
  await inParallel(conversations, 32, async (index) => {
    const group = { t: "create", kind: "group", name: `Group ${index}`, members: OTHERS };
    const { conversation } = JSON.parse(await person.ask(group)) as { conversation: string };
    await person.ask({ t: "send", conversation, body: BODY });
  });
  await pause(FLUSHED_MS);
  leave([person]);
}

export interface ListsArgs {
  readonly door: Door;
  readonly prefix: string;
  /** The number of full first syncs, page by page. */
  readonly times: number;
  /** A user with a short list, whose sync must be answered before the timing starts. */
  readonly prober: string;
}

export interface ListPages {
  /** Milliseconds of the very first page. */
  readonly first: number;
  readonly pages: Percentiles;
  /** The number of conversations in one full first sync. */
  readonly conversations: number;
}

const PATIENCE_MS = 20_000;
const AGAIN_MS = 50;

/** The milliseconds of each page of 50 in a user's first syncs, from the frame to the answer. */
export async function lists({ door, prefix, times, prober }: ListsArgs): Promise<ListPages> {
  const probe = await come(door, prober);
  const isAnswered = async (): Promise<boolean> =>
    probe.ask({ t: "sync" }).then(
      () => true,
      () => false,
    );
  await until("a sync is answered", PATIENCE_MS, isAnswered, AGAIN_MS);
  const asker = await come(door, prefix);
  const histogram = build();
  let first: number | undefined;
  let conversations = 0;
  for (let time = 0; time < times; time += 1) {
    conversations = 0;
    for (let page: string | undefined, more = true; more;) {
      const started = performance.now();
      const text = await asker.ask({ t: "sync", limit: LIMIT, page });
      const took = performance.now() - started;
      first ??= took;
      recordMs(histogram, took);
      const reply = JSON.parse(text) as { conversations: unknown[]; more: boolean; next?: string };
      conversations += reply.conversations.length;
      ({ more, next: page } = reply);
    }
  }
  leave([probe, asker]);
  return { first: first ?? Number.NaN, pages: percentilesOf(histogram), conversations };
}
