import type { Figure, Row } from "../figure.ts";
import { count, median, range, shareOf } from "../figure.ts";
import type { Lab } from "../lab.ts";
import { withLab } from "../lab.ts";
import type { Appends, PacedAppends } from "../raw/append.ts";
import { appendAtFull, appendAtRate } from "../raw/append.ts";
import type { Step } from "../sustain.ts";
import { climb, cpuPer1000, sustainedOf, sustainedText } from "../sustain.ts";

const RATES = [1_000, 4_000, 8_000, 12_000, 16_000, 20_000, 24_000];
const ONE_CORE_RATES = [4_000, 8_000, 10_000, 11_500, 13_000];
const DURABLE = "R1, fsync always";

interface Appended {
  readonly batched: Appends;
  readonly single: Appends;
  readonly paced: PacedAppends;
}

const measureAppends = async ({ stack: { natsUrl }, pids }: Lab): Promise<Appended> => ({
  batched: await appendAtFull(natsUrl, 128),
  single: await appendAtFull(natsUrl, 1),
  paced: await appendAtRate(natsUrl, pids["nats"] ?? 0, 1_000),
});

const sustainedRow = (what: string, target: number, steps: readonly Step[], batched: Appends): Row => {
  const sustained = sustainedOf(steps);
  const last = steps.find(({ rate }) => rate === sustained);
  return {
    what,
    target: `≥ ${count(target)} msg/s`,
    measured: sustainedText(steps),
    share: shareOf(sustained, "≥", target),
    runs: last?.runs.map(({ receive }) => receive.p99) ?? [],
    beside: `${DURABLE}; receive p99 ${last === undefined ? "none" : `${last.median.receive.p99.toFixed(0)} ms`}; raw appends in batches of 128: ${count(batched.perSecond)}/s`,
  };
};

function cpuRow(steps: readonly Step[], rate: number, target: number, beside = ""): Row {
  const values = steps.find((step) => step.rate === rate)?.runs.map(cpuPer1000) ?? [];
  const format = (value: number): string => value.toFixed(3);
  return {
    what: `CPU seconds per 1,000 messages, all server processes, at ${count(rate)} msg/s`,
    target: `≤ ${target}`,
    measured: format(median(values)),
    share: shareOf(median(values), "≤", target),
    runs: values,
    beside: `${DURABLE}; ${values.length === 0 ? "not reached" : range(values, format)}${beside}`,
  };
}

const cpuText = ({ cpu }: PacedAppends): string =>
  Object.entries(cpu)
    .map(([name, seconds]) => `${name} ${seconds.toFixed(2)}`)
    .join(", ");

function ackRow(steps: readonly Step[], raw: Appended, percentile: "p50" | "p99", times: number): Row {
  const values = steps.find(({ rate }) => rate === 1_000)?.runs.map(({ ack }) => ack[percentile]) ?? [];
  const limit = times * raw.paced[percentile];
  const ms = (value: number): string => `${value.toFixed(1)} ms`;
  return {
    what: `send-to-ack at 1,000 msg/s, ${percentile}`,
    target: `≤ ${times} × the raw fenced append`,
    measured: `${(median(values) / raw.paced[percentile]).toFixed(1)} ×`,
    share: shareOf(median(values), "≤", limit),
    runs: values,
    beside: `${DURABLE}; ${ms(median(values))}; raw at the same rate ${ms(raw.paced[percentile])}, at full speed ${ms(raw.single[percentile])}`,
  };
}

export const messages: Figure = {
  name: "messages",
  what: "1-1 messages, stored and delivered, 100 pairs, two cores for everything",
  measure: async (say) =>
    withLab({}, async (lab) => {
      const raw = await measureAppends(lab);
      say(
        `raw fenced appends: ${count(raw.single.perSecond)}/s one by one, ${count(raw.batched.perSecond)}/s in batches of 128`,
      );
      const steps = await climb(lab, RATES, say);
      return [
        sustainedRow(
          "sustained 1-1, stored and delivered, p99 < 250 ms, zero loss",
          20_000,
          steps,
          raw.batched,
        ),
        cpuRow(steps, 1_000, 0.5, `; raw appends at the same rate: ${cpuText(raw.paced)}`),
        cpuRow(steps, 8_000, 0.15),
        ackRow(steps, raw, "p50", 2.5),
        ackRow(steps, raw, "p99", 5),
      ];
    }),
};

export const oneCore: Figure = {
  name: "one-core",
  what: "the same with all server processes on one core, the generator on the other",
  measure: async (say) =>
    withLab({ isOneCore: true }, async (lab) => {
      const batched = await appendAtFull(lab.stack.natsUrl, 128);
      const steps = await climb(lab, ONE_CORE_RATES, say);
      return [sustainedRow("sustained 1-1, all server processes on one core", 11_500, steps, batched)];
    }),
};
