import { until } from "@jichat/testkit/until.ts";
import type { Say } from "../figure.ts";
import { count, perSecond } from "../figure.ts";
import { generate, generateTogether } from "../generate.ts";
import type { Lab } from "../lab.ts";
import { PARTITIONS, withLab } from "../lab.ts";
import { countedBy } from "./counted.ts";
import type { Circle } from "./places.ts";
import { scaled } from "./scale.ts";
import { PushSink } from "./sink.ts";

/** A lab with two push workers before a plain gateway, and people who are away and have registered. */
export interface PushLab {
  readonly lab: Lab;
  readonly sink: PushSink;
  readonly circle: Circle;
  readonly raw: Raw;
}

/** What undici alone posts to the gateway, from as many processes as there are workers. */
export interface Raw {
  readonly perSecond: number;
  /** CPU seconds of these processes for 1,000 posts. */
  readonly cpu: number;
}

export const WORKERS = 2;
/** A message of each conversation before anything is measured. */
const TALK_RATE = 4_000;
const RAW = { width: 500, ms: 3_000 };
/** Workers wait ten seconds for connectors when they first see the data of a Redis. */
const FIRST_WITHIN_MS = 40_000;
/** Entries that are pushed before anything is measured. */
export const FEW = 100;

const circleOf = (): Circle => {
  const people = scaled(2_000);
  const conversations = Math.min(scaled(20_000), (people * (people - 1)) / 2);
  return { people, conversations, partitions: Number(PARTITIONS) };
};

/** Measures it. `secret` is for a gateway that checks signatures. */
export async function rawPosts(url: string, secret?: string): Promise<Raw> {
  const args = { ...RAW, url, ...(secret === undefined ? {} : { secret }) };
  const shares = await generateTogether(
    "posts",
    Array.from({ length: WORKERS }, () => args),
  );
  const used = shares.reduce((sum, { generatorShare, ms }) => sum + generatorShare * ms, 0);
  return { perSecond: perSecond(shares), cpu: used / shares.reduce((sum, { timed }) => sum + timed, 0) };
}

/** Opens the sink, measures what undici alone reaches, and starts a lab with two workers. */
export async function withPushWorkers<T>(act: (parts: Omit<PushLab, "circle">) => Promise<T>): Promise<T> {
  const sink = await PushSink.open();
  try {
    const raw = await rawPosts(sink.url);
    sink.forget();
    return await withLab({ push: { workers: WORKERS, webhookUrl: sink.url } }, async (lab) =>
      act({ lab, sink, raw }),
    );
  } finally {
    sink.close();
  }
}

/** The same, with 2,000 people who are away, each registered and in 20 conversations with unread messages. */
export const withPushLab = async <T>(say: Say, act: (lab: PushLab) => Promise<T>): Promise<T> =>
  withPushWorkers(async ({ lab, sink, raw }) => {
    const circle = circleOf();
    const { people, conversations } = circle;
    const { door, stack } = lab;
    await generate("meet", { door, people });
    const ms = (1_000 * conversations) / TALK_RATE;
    await generate("talk", { door, people, conversations, rate: TALK_RATE, ms, pids: {} });
    const { signingKeyFile } = door;
    await generate("registerPushes", { apiUrl: stack.apiUrl, signingKeyFile, prefix: "b", people });
    await awake({ lab, sink, circle, raw });
    say(
      `  undici alone: ${count(raw.perSecond)} signed posts/s from ${WORKERS} processes; ${count(people)} people with ${count(conversations)} conversations are away`,
    );
    return act({ lab, sink, circle, raw });
  });

/** Resolves once workers have sent their first pushes. */
async function awake({ lab, sink, circle }: PushLab): Promise<void> {
  const { stack } = lab;
  await generate("queuePushes", {
    ...circle,
    ...queueOf(lab),
    rate: FEW,
    count: FEW,
    from: 0,
  });
  try {
    await until("the first pushes are sent", FIRST_WITHIN_MS, () => sink.total === FEW);
  } catch (error) {
    const counted = JSON.stringify(await countedBy(stack.pushWorkers));
    throw new Error(`the workers do not push: ${counted}\n${stack.pushWorkers[0]?.logEnd() ?? ""}`, {
      cause: error,
    });
  }
  sink.forget();
}

/** Where a generator finds the queue. */
export const queueOf = ({ stack }: Lab): { readonly natsUrl: string; readonly cluster: string } => ({
  natsUrl: stack.natsUrl,
  cluster: stack.options.cluster ?? "jichat",
});
