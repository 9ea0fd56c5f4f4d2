import type { Figure, Row, Say } from "../figure.ts";
import { count, median, range, shareOf } from "../figure.ts";
import type { Usage } from "../generator/cpu.ts";
import { voids } from "../generator/load.ts";
import type { Talk } from "../generator/talk.ts";
import { generate } from "../generate.ts";
import type { Lab } from "../lab.ts";
import { PAIRS } from "../lab.ts";
import { queuedBy } from "../push/counted.ts";
import type { Raw } from "../push/lab.ts";
import { withPushWorkers } from "../push/lab.ts";
import type { PushSink } from "../push/sink.ts";
import { isSmall, scaled } from "../push/scale.ts";
import { talkAt } from "../sustain.ts";

const RATES = [1_000, 8_000].map(scaled);
const RUNS = isSmall ? 1 : 3;
const RUN_MS = isSmall ? 1_000 : 5_000;
/** People who never connect: without a device for pushes, and with one. */
const [PLAIN, REGISTERED] = ["w", "v"];
/** What a message may cost more, in the processes on its way, if its recipient is pushed. */
const GROWTH_MAX = 1.5;
const PATH = ["router", "connector", "nats", "redis"];

/** Runs at one rate: to people who are there; to those who are away; to those who are away and registered. */
interface Compared {
  readonly rate: number;
  readonly online: readonly Talk[];
  readonly away: readonly Talk[];
  readonly pushed: readonly Talk[];
  readonly pushes: number;
}

const nameOf = (process: string): string => process.replace(/-\d+$/, "");

/** CPU seconds for 1,000 messages, by component. */
function per1000({ cpu, timed }: Talk): Usage {
  const sums: Record<string, number> = {};
  for (const [process, seconds] of Object.entries(cpu)) {
    const name = nameOf(process);
    sums[name] = (sums[name] ?? 0) + (1_000 * seconds) / timed;
  }
  return sums;
}

const pathOf = (talk: Talk): number => {
  const used = per1000(talk);
  return PATH.reduce((sum, name) => sum + (used[name] ?? 0), 0);
};

function checked(talk: Talk): Talk {
  const { sent, acked, refused } = talk;
  if (acked !== sent)
    throw new Error(`of ${count(sent)} messages ${count(acked)} were acked, and ${count(refused)} refused`);
  return talk;
}

/** In turn, so that a slow minute meets all three. */
async function compare(lab: Lab, sink: PushSink, rate: number): Promise<Compared> {
  const runs: Record<"online" | "away" | "pushed", Talk[]> = { online: [], away: [], pushed: [] };
  let pushes = 0;
  for (let run = 0; run < RUNS; run += 1) {
    const before = await queuedBy(lab.stack.routers);
    runs.online.push(checked(await talkAt(lab, rate, RUN_MS)));
    runs.away.push(checked(await talkAt(lab, rate, RUN_MS, { ...PAIRS, toPrefix: PLAIN })));
    const queued = (await queuedBy(lab.stack.routers)) - before;
    if (queued > 0) throw new Error(`${count(queued)} entries for people who have no device for pushes`);
    sink.forget();
    runs.pushed.push(checked(await talkAt(lab, rate, RUN_MS, { ...PAIRS, toPrefix: REGISTERED })));
    if ((await queuedBy(lab.stack.routers)) === before) throw new Error("nothing came to the push queue");
    pushes += sink.total;
  }
  return { rate, ...runs, pushes: pushes / RUNS };
}

const seconds = (value: number): string => value.toFixed(3);

function middleOf(runs: readonly Talk[]): string {
  const used = runs.map(per1000);
  const names = [...PATH, "push"];
  return names.map((name) => `${name} ${seconds(median(used.map((one) => one[name] ?? 0)))}`).join(", ");
}

const ms = (value: number): string => `${value.toFixed(1)} ms`;
const latency = (runs: readonly Talk[]): string =>
  `ack p50 ${ms(median(runs.map(({ ack }) => ack.p50)))}, p99 ${ms(median(runs.map(({ ack }) => ack.p99)))}`;

function rowOf({ rate, online, away, pushed, pushes }: Compared, raw: Raw): Row {
  const growths = pushed.map((one, run) => pathOf(one) / pathOf(away[run] ?? one));
  const times = (value: number): string => `${value.toFixed(2)} ×`;
  return {
    what: `CPU of router, connector, nats and redis for a message at ${count(rate)}/s: recipients away and registered, beside away and not registered`,
    target: `≤ ${GROWTH_MAX} ×`,
    measured: times(median(growths)),
    share: shareOf(median(growths), "≤", GROWTH_MAX),
    runs: growths,
    beside: [
      `${range(growths, times)}; CPU s per 1,000 messages: registered ${middleOf(pushed)} (${latency(pushed)}; ${count(pushes)} pushes a run, since bursts fold)`,
      `not registered ${middleOf(away)} (${latency(away)})`,
      `online, nobody registered ${middleOf(online)} (${latency(online)})${voids([...online, ...away, ...pushed])}`,
      `undici alone ${count(raw.perSecond)} posts/s`,
    ].join("; "),
  };
}

export const pushPath: Figure = {
  name: "push-path",
  what: "what a message costs on its way if its recipients are away and registered for pushes",
  measure: async (say: Say) =>
    withPushWorkers(async ({ lab, sink, raw }) => {
      const { signingKeyFile } = lab.door;
      const { people } = PAIRS;
      await generate("registerPushes", {
        apiUrl: lab.stack.apiUrl,
        signingKeyFile,
        prefix: REGISTERED,
        people,
      });
      // Creates the conversations of all three, and waits until workers have begun.
      for (const toPrefix of [PLAIN, REGISTERED])
        await talkAt(lab, scaled(300), 3_000, { ...PAIRS, toPrefix });
      const rows: Row[] = [];
      for (const rate of RATES) {
        const compared = await compare(lab, sink, rate);
        const row = rowOf(compared, raw);
        say(`  ${count(rate).padStart(9)} ${row.measured} ${row.beside}`);
        rows.push(row);
      }
      return rows;
    }),
};
