import { OtlpReceiver } from "@jichat/testkit/observe/otlp-receiver.ts";
import type { Figure } from "../figure.ts";
import { median, range, shareOf } from "../figure.ts";
import type { Lab } from "../lab.ts";
import { withLab } from "../lab.ts";
import { cpuPer1000, talkAt } from "../sustain.ts";

const RATE = 4_000;
const RUN_MS = 4_000;
/** Two equal runs differ by more than the cost of tracing, so many pairs are needed. */
const PAIRS = 7;

const cpuOf = async (lab: Lab): Promise<number> => cpuPer1000(await talkAt(lab, RATE, RUN_MS));

/** The extra cost of the second lab in percent, for each of `PAIRS` pairs of runs. The order alternates. */
async function inTurn(plain: Lab, traced: Lab): Promise<readonly number[]> {
  const costs: number[] = [];
  for (let pair = 0; pair < PAIRS; pair += 1) {
    const isPlainFirst = pair % 2 === 0;
    const first = await cpuOf(isPlainFirst ? plain : traced);
    const second = await cpuOf(isPlainFirst ? traced : plain);
    costs.push(100 * (isPlainFirst ? second / first - 1 : first / second - 1));
  }
  return costs;
}

export const tracing: Figure = {
  name: "tracing",
  what: `what tracing 1 % costs: CPU of a message at ${RATE} msg/s, with and without, in turn`,
  measure: async () => {
    let heard = 0;
    const collector = await OtlpReceiver.start((spans) => {
      heard += spans.length;
    });
    const traced = { OTEL_EXPORTER_OTLP_ENDPOINT: collector.endpoint, TRACE_RATIO: "0.01" };
    const costs = await withLab({}, async (plain) =>
      withLab({ env: traced }, async (lab) => inTurn(plain, lab)),
    ).finally(() => {
      collector.close();
    });
    if (heard === 0) throw new Error("no span was exported: nothing was measured");
    const percent = (value: number): string => `${value.toFixed(1)} %`;
    const cost = median(costs);
    return [
      {
        what: "tracing at 1 % sampling",
        target: "≤ 3 % of throughput",
        measured: percent(cost),
        share: cost <= 0 ? 3 : shareOf(cost, "≤", 3),
        runs: costs,
        beside: `by CPU per message at one rate; ${range(costs, percent)}`,
      },
    ];
  },
};
