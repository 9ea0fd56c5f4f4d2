import { OtlpReceiver } from "@jichat/tools/observe/otlp-receiver.ts";
import type { Figure } from "../figure.ts";
import { median, range, shareOf, thrice } from "../figure.ts";
import { withLab } from "../lab.ts";
import { cpuPer1000, talkAt } from "../sustain.ts";

const RATE = 4_000;
const RUN_MS = 8_000;

export const tracing: Figure = {
  name: "tracing",
  what: `what tracing 1 % costs: CPU of a message at ${RATE} msg/s, with and without, in turn`,
  measure: async () => {
    let heard = 0;
    const collector = await OtlpReceiver.start((spans) => {
      heard += spans.length;
    });
    const traced = { OTEL_EXPORTER_OTLP_ENDPOINT: collector.endpoint, TRACE_RATIO: "0.01" };
    const one = async (env: Readonly<Record<string, string>>): Promise<number> =>
      withLab({ env }, async (lab) => cpuPer1000(await talkAt(lab, RATE, RUN_MS)));
    const pairs = await thrice(async () => [await one({}), await one(traced)] as const).finally(() => {
      collector.close();
    });
    if (heard === 0) throw new Error("no span was exported: nothing was measured");
    const costs = pairs.map(([without, withIt]) => 100 * (withIt / without - 1));
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
