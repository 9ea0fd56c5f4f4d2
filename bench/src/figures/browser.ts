import { heldBytes } from "@jichat/e2e/browser/devtools.ts";
import { Rig } from "@jichat/e2e/browser/rig.ts";
import type { Figure, Row } from "../figure.ts";
import { count, shareOf, thrice } from "../figure.ts";

const TALK_MS = 10_000;
/** What a frame of a screen has. */
const TASK_MS_MAX = 16;

const ms = (value: number): string => `${value.toFixed(1)} ms`;

type Opened = Awaited<ReturnType<Rig["openSdk"]>>;

async function rowOf(rig: Rig, what: string, page: Opened): Promise<Row> {
  const heldMb = (await heldBytes(page)) / 1_024 / 1_024;
  const runs = await thrice(async () => rig.tasks(page, TALK_MS));
  await page.context().close();
  const longest = runs.map((tasks) => Math.max(...tasks.map(({ cpuMs }) => cpuMs)));
  const lasted = Math.max(...runs.flat().map((task) => task.ms));
  return {
    what: `the longest task of ${what} with 1,000 conversations and 10,000 messages, while 100 messages/s arrive`,
    target: `< ${TASK_MS_MAX} ms`,
    measured: ms(Math.max(...longest)),
    share: shareOf(Math.max(...longest), "≤", TASK_MS_MAX),
    runs: longest,
    beside:
      `of ${count(runs.flat().length)} tasks, what the thread ran; by the wall, which has other processes in it, ` +
      `${ms(lasted)}; ${heldMb.toFixed(1)} MB after a collection`,
  };
}

export const browser: Figure = {
  name: "browser",
  what: "the SDK and the page in Chromium, traced",
  measure: async () =>
    Rig.with(async (rig) => [
      await rowOf(rig, "the SDK", await rig.openSdk()),
      await rowOf(rig, "the page", await rig.openPage()),
    ]),
};
