import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import type { Figure } from "../figure.ts";
import { median, range, shareOf, thrice } from "../figure.ts";
import { withLab } from "../lab.ts";
import { cpuPer1000, talkAt } from "../sustain.ts";

const RATE = 4_000;
const RUN_MS = 8_000;

/** Takes spans and forgets them, as a collector that is never full. */
async function withCollector<T>(act: (endpoint: string, heard: () => number) => Promise<T>): Promise<T> {
  let exports = 0;
  const collector = createServer((request, response) => {
    exports += 1;
    request.resume();
    request.once("end", () => response.writeHead(200, { "content-type": "application/json" }).end("{}"));
  });
  await new Promise<void>((resolve) => {
    collector.listen(0, "127.0.0.1", resolve);
  });
  try {
    return await act(`http://127.0.0.1:${(collector.address() as AddressInfo).port}`, () => exports);
  } finally {
    collector.close();
  }
}

export const tracing: Figure = {
  name: "tracing",
  what: `what tracing 1 % costs: CPU of a message at ${RATE} msg/s, with and without, in turn`,
  measure: async () =>
    withCollector(async (endpoint, heard) => {
      const one = async (env: Readonly<Record<string, string>>): Promise<number> =>
        withLab({ env }, async (lab) => cpuPer1000(await talkAt(lab, RATE, RUN_MS)));
      const pairs = await thrice(
        async () =>
          [await one({}), await one({ OTEL_EXPORTER_OTLP_ENDPOINT: endpoint, TRACE_RATIO: "0.01" })] as const,
      );
      if (heard() === 0) throw new Error("no span was exported: nothing was measured");
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
    }),
};
