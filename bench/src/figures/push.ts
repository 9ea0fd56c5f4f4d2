import { WebhookReceiver } from "@jichat/testkit/push/webhook-receiver.ts";
import type { Figure, Row, Say } from "../figure.ts";
import { count, median, range, shareOf, thrice } from "../figure.ts";
import { voidBecause } from "../generator/load.ts";
import type { Usage } from "../generator/cpu.ts";
import type { PushLab, Raw } from "../push/lab.ts";
import { WORKERS, rawPosts, withPushLab } from "../push/lab.ts";
import type { Pushed } from "../push/run.ts";
import { pushAt } from "../push/run.ts";
import { scaled } from "../push/scale.ts";

const TARGET = 5_000;
const RATES = [1_000, 2_500, 3_500, TARGET, 6_500, 8_000].map(scaled);
/** A decision that is older is made again before its push is sent: from there on each one costs more. */
const DELAY_P99_MAX_MS = 1_000;
/** All of two cores at the target. */
const CPU_MAX = 0.4;

interface Step {
  readonly rate: number;
  readonly why: string;
  readonly runs: readonly Pushed[];
  /** The run with the median p99. */
  readonly middle: Pushed;
}

/** By what a row says: both workers, the two stores, the benchmark's own, and all that has no part in it. */
function grouped(cpu: Usage): Usage {
  const named: Record<string, number> = {
    workers: 0,
    nats: 0,
    redis: 0,
    publisher: 0,
    receiver: 0,
    others: 0,
  };
  for (const [name, seconds] of Object.entries(cpu)) {
    const group = name.startsWith("push-") ? "workers" : name in named ? name : "others";
    named[group] = (named[group] ?? 0) + seconds;
  }
  return named;
}

const cpuOf = ({ cpu }: Pushed): number => Object.values(cpu).reduce((sum, seconds) => sum + seconds, 0);
const cpuText = ({ cpu }: Pushed): string =>
  Object.entries(grouped(cpu))
    .map(([name, seconds]) => `${name} ${seconds.toFixed(3)}`)
    .join(", ");

function whyBad({ queued, received, repeated, loads }: Pushed): string | undefined {
  if (repeated > 0) return `${count(repeated)} came twice`;
  if (received !== queued) return `${count(queued - received)} of ${count(queued)} did not come`;
  return loads.map(voidBecause).find((reason) => reason !== undefined);
}

function judge(rate: number, runs: readonly Pushed[]): Step {
  const p99 = median(runs.map(({ delay }) => delay.p99));
  const middle = runs.find(({ delay }) => delay.p99 === p99);
  if (middle === undefined) throw new Error("a rate needs at least one measurement");
  const reached = count(median(runs.map(({ reached }) => reached)));
  const late = p99 < DELAY_P99_MAX_MS ? "" : `p99 over ${DELAY_P99_MAX_MS} ms, ${reached}/s reached`;
  return { rate, why: runs.map(whyBad).find((why) => why !== undefined) ?? late, runs, middle };
}

function line({ rate, why, middle, runs }: Step): string {
  const ms = (value: number): string => value.toFixed(0).padStart(6);
  const p99s = range(
    runs.map(({ delay }) => delay.p99),
    (value) => value.toFixed(0),
  );
  return `${count(rate).padStart(9)} ${ms(middle.delay.p50)}${ms(middle.delay.p99)}  ${p99s.padStart(14)}  ${cpuOf(middle).toFixed(3)}  ${cpuText(middle)}   ${why}`;
}

async function climb(lab: PushLab, say: Say): Promise<readonly Step[]> {
  say("  pushes/s    p50   p99    range of p99  CPU s per 1,000 pushes");
  const steps: Step[] = [];
  for (const rate of RATES) {
    const step = judge(rate, await thrice(async () => pushAt(lab, rate)));
    steps.push(step);
    say(line(step));
    if (step.why !== "") break;
  }
  return steps;
}

function rowsOf(steps: readonly Step[], raw: Raw, checked: Raw): readonly Row[] {
  const good = steps.findLast(({ why }) => why === "");
  const sustained = good?.rate ?? 0;
  // What is said of the target is said of the highest rate that was sustained, where that is lower.
  const at = steps.findLast(({ rate, why }) => why === "" && rate <= scaled(TARGET));
  const delays = at?.runs.map(({ delay }) => delay.p99 / 1_000) ?? [];
  const costs = at?.runs.map(cpuOf) ?? [];
  const [seconds, cost] = [median(delays), median(costs)];
  const s = (value: number): string => `${value.toFixed(3)} s`;
  const rate = `at ${count(at?.rate ?? 0)}/s`;
  return [
    {
      what: `pushes through ${WORKERS} workers to a webhook of this machine, none missing, none twice, p99 < 1 s`,
      target: `≥ ${count(TARGET)}/s`,
      measured: `${count(sustained)}/s${steps.at(-1)?.why === "" ? " or more" : ""}, ${(sustained / raw.perSecond).toFixed(2)} × undici alone`,
      share: shareOf(sustained, "≥", scaled(TARGET)),
      runs: good?.runs.map(({ delay }) => delay.p99) ?? [],
      beside: `undici alone, ${WORKERS} processes that only sign and post to the same receiver: ${count(raw.perSecond)}/s; to the one of the tests, which checks signatures: ${count(checked.perSecond)}/s${good === steps.at(-1) ? "" : `; at ${count(steps.at(-1)?.rate ?? 0)}/s: ${steps.at(-1)?.why ?? ""}`}`,
    },
    {
      what: `seconds from message to provider ${rate}, p99`,
      target: "≤ 1",
      measured: s(seconds),
      share: shareOf(seconds, "≤", 1),
      runs: delays,
      beside:
        delays.length === 0
          ? "not reached"
          : `p50 ${s((at?.middle.delay.p50 ?? 0) / 1_000)}; p99 ${range(delays, s)}`,
    },
    {
      what: `CPU seconds per 1,000 pushes ${rate}, all processes`,
      target: `≤ ${CPU_MAX}`,
      measured: cost.toFixed(3),
      share: shareOf(cost, "≤", CPU_MAX),
      runs: costs,
      beside: at === undefined ? "not reached" : `${cpuText(at.middle)}; undici alone ${raw.cpu.toFixed(3)}`,
    },
  ];
}

export const push: Figure = {
  name: "push",
  what: "pushes through two workers to a webhook of this machine",
  measure: async (say) => {
    const checking = await WebhookReceiver.start();
    const checked = await rawPosts(checking.url, checking.secrets[0]);
    await checking.stop();
    return withPushLab(say, async (lab) => rowsOf(await climb(lab, say), lab.raw, checked));
  },
};
