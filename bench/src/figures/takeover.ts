import type { Part } from "@jichat/testkit/local/part.ts";
import type { Figure, Row } from "../figure.ts";
import { median, range, shareOf } from "../figure.ts";
import { pause, voids } from "../generator/load.ts";
import type { Talk } from "../generator/talk.ts";
import type { Lab } from "../lab.ts";
import { PARTITIONS, withLab } from "../lab.ts";
import { talkAt } from "../sustain.ts";

/** So many that each partition has a send every few milliseconds: the slowest one shows the whole pause. */
const RATE = 400;
const RUN_MS = 9_000;
/** People have connected and talked for a while by then. What follows is timed. */
const ACT_AFTER_MS = 6_000;
const TIMES = 5;
/** Longer than owners need to share the partitions evenly again, and to hear signs of life. */
const EVEN_MS = 3_000;
const STARTED_WITHIN_MS = 20_000;
const STOPPED_WITHIN_MS = 15_000;

const HANDED_OVER_MAX_MS = 500;
const KILLED_MAX_MS = 1_500;

/** One router ends under talk, and starts again afterwards. */
async function endUnderTalk(lab: Lab, router: Part, end: (router: Part) => Promise<void>): Promise<Talk> {
  const [talked] = await Promise.all([
    // Without the CPU of the servers: the generator could not read that of a process that has ended.
    talkAt({ ...lab, pids: {} }, RATE, RUN_MS),
    pause(ACT_AFTER_MS).then(async () => end(router)),
  ]);
  router.start();
  await router.ready(STARTED_WITHIN_MS);
  await pause(EVEN_MS);
  return talked;
}

async function row(
  lab: Lab,
  { what, maxMs }: { readonly what: string; readonly maxMs: number },
  end: (router: Part) => Promise<void>,
): Promise<Row> {
  const talks: Talk[] = [];
  for (let at = 0; at < TIMES; at += 1) {
    const router = lab.stack.routers[at % lab.stack.routers.length];
    if (router !== undefined) talks.push(await endUnderTalk(lab, router, end));
  }
  const lost = talks.reduce((sum, { sent, acked }) => sum + sent - acked, 0);
  const slowest = talks.map(({ ack }) => ack.max);
  const ms = (value: number): string => `${value.toFixed(0)} ms`;
  return {
    what,
    target: `slowest send ≤ ${maxMs} ms`,
    measured: ms(median(slowest)),
    share: lost === 0 ? shareOf(median(slowest), "≤", maxMs) : 0,
    runs: slowest,
    beside: `${range(slowest, ms)} over ${TIMES} times; ${RATE} msg/s on ${PARTITIONS} partitions, two of three routers stay; p50 ${range(
      talks.map(({ ack }) => ack.p50),
      ms,
    )}; ${lost} without an ack${voids(talks)}`,
  };
}

export const takeover: Figure = {
  name: "takeover",
  what: "a router stops, or is killed, while people talk: the slowest send",
  measure: async () =>
    withLab({ routers: 3 }, async (lab) => [
      await row(lab, { what: "a router hands over its partitions", maxMs: HANDED_OVER_MAX_MS }, (router) =>
        router.stop(STOPPED_WITHIN_MS),
      ),
      await row(lab, { what: "a router is killed", maxMs: KILLED_MAX_MS }, (router) => router.kill()),
    ]),
};
