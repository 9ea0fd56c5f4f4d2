import type { Say } from "./figure.ts";
import { count, median, thrice } from "./figure.ts";
import type { Usage } from "./generator/cpu.ts";
import { voidBecause } from "./generator/load.ts";
import type { Talk, TalkArgs } from "./generator/talk.ts";
import { generate } from "./generate.ts";
import type { Lab } from "./lab.ts";
import { PAIRS } from "./lab.ts";

const RUN_MS = 5_000;
const WARM_MS = 2_000;
const RECEIVE_P99_MAX_MS = 250;

/** One rate, run three times. */
export interface Step {
  readonly rate: number;
  /**
   * Everything was acked and received in all three runs, the median of the receive p99s is under 250 ms, and
   * the generator was not the limit.
   */
  readonly isGood: boolean;
  readonly why: string;
  /** The run with the median receive p99. */
  readonly median: Talk;
  readonly runs: readonly Talk[];
}

/** CPU seconds per 1,000 messages, over all server processes. */
export const cpuPer1000 = ({ cpu, timed }: { readonly cpu: Usage; readonly timed: number }): number =>
  (Object.values(cpu).reduce((sum, seconds) => sum + seconds, 0) * 1_000) / timed;

type Who = Pick<TalkArgs, "people" | "conversations" | "toPrefix">;

/** Runs one talk at a rate, in messages per second, after its own warm-up. */
export async function talkAt(lab: Lab, rate: number, ms = RUN_MS, who: Who = PAIRS): Promise<Talk> {
  const { door, pids, generatorCpu } = lab;
  return generate("talk", { door, ...who, rate, ms, warmMs: WARM_MS, pids }, generatorCpu);
}

function judge(rate: number, runs: readonly Talk[]): Step {
  const middle = median(runs.map(({ receive }) => receive.p99));
  const run = runs.find(({ receive }) => receive.p99 === middle);
  if (run === undefined) throw new Error("a rate needs at least one measurement");
  const isWhole = runs.every(({ sent, acked, received }) => acked === sent && received === sent);
  const why =
    runs.map(voidBecause).find((reason) => reason !== undefined) ??
    (isWhole
      ? middle < RECEIVE_P99_MAX_MS
        ? ""
        : `receive p99 over ${RECEIVE_P99_MAX_MS} ms`
      : "not all was acked and received");
  return { rate, isGood: why === "", why, median: run, runs };
}

const HEADER =
  "    msg/s    ack p50  p99   recv p50  p99  range of p99   servers  generator  CPU s per 1,000 messages";

function line({ rate, why, median: run, runs }: Step): string {
  const ms = (value: number): string => value.toFixed(value < 10 ? 1 : 0).padStart(6);
  const p99s = runs.map(({ receive }) => receive.p99);
  const parts = Object.entries(run.cpu).map(
    ([name, seconds]) => `${name} ${((seconds * 1_000) / run.timed).toFixed(3)}`,
  );
  return [
    count(rate).padStart(9),
    ` ${ms(run.ack.p50)}${ms(run.ack.p99)}    ${ms(run.receive.p50)}${ms(run.receive.p99)}`,
    `${Math.min(...p99s).toFixed(0)} to ${Math.max(...p99s).toFixed(0)}`.padStart(13),
    cpuPer1000(run).toFixed(3).padStart(9),
    `${(100 * run.generatorShare).toFixed(0)} %`.padStart(9),
    `  ${parts.join(", ")}${why === "" ? "" : `   ${why}`}`,
  ].join(" ");
}

/** Runs rising rates, each three times, until one is not good. */
export async function climb(lab: Lab, rates: readonly number[], say: Say): Promise<readonly Step[]> {
  say(HEADER);
  const steps: Step[] = [];
  for (const rate of rates) {
    const step = judge(rate, await thrice(async () => talkAt(lab, rate)));
    steps.push(step);
    say(line(step));
    if (!step.isGood) break;
  }
  return steps;
}

/** If the last rate was still good, the real limit is higher. */
export const sustainedText = (steps: readonly Step[]): string =>
  `${count(sustainedOf(steps))} msg/s${steps.at(-1)?.isGood === true ? " or more" : ""}`;

/** The highest good rate; 0 if none was good. */
export const sustainedOf = (steps: readonly Step[]): number =>
  steps.findLast(({ isGood }) => isGood)?.rate ?? 0;
