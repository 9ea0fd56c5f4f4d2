import type { Figure, Row, Say } from "../figure.ts";
import { count, median, range, shareOf, thrice } from "../figure.ts";
import { generate } from "../generate.ts";
import type { Lab, LabOptions } from "../lab.ts";
import { PAIRS, withLab } from "../lab.ts";
import { cpuPer1000, talkAt } from "../sustain.ts";

const RATE = 4_000;
const RUN_MS = 5_000;
const PERCENT_MAX = 20;
/** Enough people for 100,000 pairs. */
const CROWD = 450;
const MANY = { people: CROWD, conversations: 100_000 };
const FEW = { people: CROWD, conversations: 100 };
const FILL_RATE = 6_000;

const cpuAt = async (lab: Lab, who = PAIRS): Promise<readonly number[]> =>
  thrice(async () => cpuPer1000(await talkAt(lab, RATE, RUN_MS, who)));

function growthRow(what: string, before: readonly number[], after: readonly number[], say: Say): Row {
  const percent = 100 * (median(after) / median(before) - 1);
  const format = (value: number): string => value.toFixed(3);
  say(`  ${what}: ${range(before, format)}, then ${range(after, format)} CPU s per 1,000 messages`);
  return {
    what: `growth: ${what}`,
    target: `CPU per message grows by ≤ ${PERCENT_MAX} %`,
    measured: `${percent >= 0 ? "+" : "−"}${Math.abs(percent).toFixed(0)} %`,
    share: percent <= 0 ? 4 : shareOf(percent, "≤", PERCENT_MAX),
    runs: after,
    beside: `at ${count(RATE)} msg/s, R1, fsync always; ${format(median(before))}, then ${format(median(after))}`,
  };
}

async function between(what: string, before: LabOptions, after: LabOptions, say: Say): Promise<Row> {
  const first = await withLab(before, async (lab) => cpuAt(lab));
  const second = await withLab(after, async (lab) => cpuAt(lab));
  return growthRow(what, first, second, say);
}

/** Every conversation gets a message before the measurement. */
const conversations = async (say: Say): Promise<Row> =>
  withLab({}, async (lab) => {
    const few = await cpuAt(lab, FEW);
    const ms = (MANY.conversations / FILL_RATE) * 1_000;
    await generate("talk", { door: lab.door, ...MANY, rate: FILL_RATE, ms, pids: {} });
    return growthRow("100 → 100,000 conversations", few, await cpuAt(lab, MANY), say);
  });

export const growth: Figure = {
  name: "growth",
  what: "what a message costs when there is more of everything",
  measure: async (say) => [
    await between("1 → 16 partitions", { env: { PARTITIONS: "1" } }, { env: { PARTITIONS: "16" } }, say),
    await between("1 → 4 routers", { routers: 1 }, { routers: 4 }, say),
    await conversations(say),
  ],
};
