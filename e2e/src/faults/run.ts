import { setTimeout as sleep } from "node:timers/promises";
import { say } from "@jichat/testkit/say.ts";
import { Crowd } from "../crowd.ts";
import { verify } from "../scene.ts";
import { Dice } from "@jichat/protocol/dice.ts";
import { Bystanders } from "./bystanders.ts";
import { keepLogs } from "./keep-logs.ts";
import type { Cell } from "./matrix.ts";
import { isOfClock, nameOf } from "./matrix.ts";
import type { Outcome } from "./outcome.ts";
import { Site } from "./site.ts";
import { initialSkew, strike } from "./strike.ts";
import type { Heal } from "./strike.ts";
import { TimedLedger, Waits } from "./waits.ts";

const CROWD = { pairs: 6, groups: 3, groupSize: 8, rate: 1 };
const QUIET_MS = 4_000;
const FAULT_MS = 15_000;
const BETWEEN_MS = 2_000;
/** People keep talking for this long after the heal, which is longer than they may take to be level. */
const AFTER_MS = 13_000;
const SETTLE_MS = 30_000;

/**
 * One run: people talk, the faults happen, and they heal. Returns the waits, and whether everything is
 * correct in the end.
 */
export async function runCell(cell: Cell, over: Outcome["over"], data: string): Promise<Outcome> {
  const name = nameOf(cell);
  const progress = (what: string): void => {
    say(`${name} (seed ${cell.seed}): ${what}`);
  };
  const skewed = cell.faults.filter(isOfClock);
  const clocks = new Map(skewed.map((fault) => [fault.host, initialSkew(fault, cell.seed)]));
  const site = await Site.open(data, { clocks, over });
  try {
    progress("eleven parts are up");
    return await talkThrough(site, cell, over, progress);
  } finally {
    keepLogs(site.parts, `${name}-${cell.seed}`);
    await site.close();
  }
}

async function talkThrough(
  site: Site,
  cell: Cell,
  over: Outcome["over"],
  progress: (what: string) => void,
): Promise<Outcome> {
  const waits = new Waits(() => performance.now());
  const ledger = new TimedLedger(waits);
  const crowd = new Crowd({ wsUrls: site.wsUrls, secrets: site.stack.secrets }, ledger, CROWD);
  const bystanders = new Bystanders(site, crowd, waits, new Dice(cell.seed));
  const wrong: string[] = [];
  await crowd.arrive();
  const isOver = new AbortController();
  const happening = happen(site, cell, { waits, progress, wrong }).finally(() => {
    isOver.abort();
  });
  await Promise.all([happening, crowd.talkUntil(happening), bystanders.walk(isOver.signal)]);
  const healedAt = await happening;
  const settledMs = await crowd.settle(SETTLE_MS);
  progress(`settled after ${settledMs.toFixed(0)} ms`);
  await note(wrong, async () => crowd.inspect());
  wrong.push(
    ...ledger.check().map(({ invariant, what }) => `${invariant}: ${what}`),
    ...crowd.failures,
    ...bystanders.failures,
    ...ledger.unackedIds.map((id) => `never acked: ${id}`),
  );
  crowd.leave();
  await note(wrong, async () => verify(site.stack));
  const [sendMs, pullMs, liveMs] = (["send", "pull", "live"] as const).map((wish) =>
    Math.round(waits.longest(wish)),
  );
  const level = settledMs >= SETTLE_MS ? performance.now() - healedAt : waits.levelAfter(healedAt);
  return {
    faults: nameOf(cell),
    seed: cell.seed,
    over,
    acks: ledger.acks,
    sendMs: sendMs ?? 0,
    pullMs: pullMs ?? 0,
    liveMs: liveMs ?? 0,
    levelMs: Math.round(level),
    wrong,
  };
}

interface Observers {
  readonly waits: Waits;
  readonly progress: (what: string) => void;
  readonly wrong: string[];
}

/** Plays all faults within the same seconds. Resolves with the moment of the heal. */
async function happen(site: Site, { faults }: Cell, { waits, progress, wrong }: Observers): Promise<number> {
  await sleep(QUIET_MS);
  waits.start();
  const heals: Heal[] = [];
  for (const fault of faults) {
    if (heals.length > 0) await sleep(BETWEEN_MS);
    heals.push(await strike(site, fault));
  }
  progress("struck");
  await sleep(FAULT_MS);
  const healedAt = performance.now();
  await Promise.all(heals.map(async (heal) => note(wrong, heal)));
  progress("healed");
  await sleep(AFTER_MS);
  return healedAt;
}

/** Records every error of a run, not only the first one. */
async function note(wrong: string[], act: () => Promise<unknown>): Promise<void> {
  try {
    await act();
  } catch (error) {
    wrong.push(error instanceof Error ? error.message : String(error));
  }
}
