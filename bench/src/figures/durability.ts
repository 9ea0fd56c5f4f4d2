import type { Figure } from "../figure.ts";
import { count, shareOf } from "../figure.ts";
import { withLab } from "../lab.ts";
import { withNats } from "../nats-servers.ts";
import { climb, sustainedOf, sustainedText } from "../sustain.ts";

/**
 * The last rate is above half of the last rate for one copy. Otherwise a fast machine could not show more
 * than the half that is required.
 */
const RATES_OF_THREE = [2_000, 8_000, 12_000, 16_000, 20_000];
const RATES_OF_ONE = [8_000, 16_000, 24_000, 32_000];

export const durability: Figure = {
  name: "durability",
  what: "sustained 1-1 with three copies, each synced, beside one copy synced every two minutes",
  measure: async (say) => {
    say("R3, fsync always, three servers on this one disk:");
    const three = await withNats(3, async (natsUrl, morePids) =>
      withLab({ natsUrl, morePids, env: { LOG_REPLICAS: "3" } }, async (lab) =>
        climb(lab, RATES_OF_THREE, say),
      ),
    );
    say("R1, fsync interval:");
    const one = await withLab({ fsync: "interval" }, async (lab) => climb(lab, RATES_OF_ONE, say));
    const [sustained, beside] = [sustainedOf(three), sustainedOf(one)];
    if (beside === 0)
      throw new Error(`one copy did not sustain ${count(RATES_OF_ONE[0] ?? 0)} msg/s, the lowest rate`);
    const ratio = sustained / beside;
    return [
      {
        what: "R3 always against R1 interval, sustained",
        target: "≥ 0.5 ×",
        measured: `${ratio.toFixed(2)} ×`,
        share: shareOf(ratio, "≥", 0.5),
        runs: [sustained, beside],
        beside: `R3 always ${sustainedText(three)}, R1 interval ${sustainedText(one)}`,
      },
    ];
  },
};
