import type { Figure } from "../figure.ts";
import { median, range, shareOf, thrice } from "../figure.ts";
import { generate } from "../generate.ts";
import { withLab } from "../lab.ts";

const CONVERSATIONS = 5_000;
const WHO = { prefix: "l", prober: "m" };
/** The number of full syncs in a run, of a hundred pages each. */
const TIMES = 3;
const READY_MS = 10_000;
const FILL_MS = 300_000;

const ms = (value: number): string => `${value.toFixed(0)} ms`;

export const lists: Figure = {
  name: "lists",
  what: "a first sync over 5,000 conversations, page by page",
  measure: async () =>
    withLab({}, async ({ door, stack: { redis } }) => {
      await generate("fillList", { door, ...WHO, conversations: CONVERSATIONS }, undefined, FILL_MS);
      const warm = await thrice(async () => generate("lists", { door, ...WHO, times: TIMES }));
      const cold = await thrice(async () => {
        await redis?.kill();
        redis?.start();
        await redis?.ready(READY_MS);
        return generate("lists", { door, ...WHO, times: 1 });
      });
      for (const { conversations } of [...warm, ...cold])
        if (conversations !== CONVERSATIONS)
          throw new Error(`a first sync listed ${conversations} of ${CONVERSATIONS} conversations`);
      const p99s = warm.map(({ pages }) => pages.p99);
      const firsts = cold.map(({ first }) => first);
      return [
        {
          what: "first sync over 5,000 conversations, a page of 50",
          target: "p99 < 50 ms from Redis",
          measured: ms(median(p99s)),
          share: shareOf(median(p99s), "≤", 50),
          runs: p99s,
          beside: `p50 ${ms(median(warm.map(({ pages }) => pages.p50)))}, ${range(p99s, ms)}`,
        },
        {
          what: "the same when Redis has lost it: the first page",
          target: "≤ 1 s",
          measured: ms(median(firsts)),
          share: shareOf(median(firsts), "≤", 1_000),
          runs: firsts,
          beside: `${range(firsts, ms)}; the pages after it p50 ${ms(median(cold.map(({ pages }) => pages.p50)))}`,
        },
      ];
    }),
};
