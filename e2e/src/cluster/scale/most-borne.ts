import { availableParallelism } from "node:os";
import type { TestContext } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import type { Waves } from "./waves.ts";

/** No more is asked of any machine. */
const DEVICES_MAX = 2_000;
/**
 * What comes in an act needs cores too: pods of two versions and the control plane of three nodes. Two cores
 * bore 1,800 devices with a p99 of 0.5 s before an upgrade, and of 3.5 s while devices moved in it.
 */
const DEVICES_PER_CORE = 100;
/** Less than is allowed before an act, since the figure wavers. */
const P99_MAX_MS = 800;
/** What the arrival of a wave costs is over by then. */
const SETTLE_MS = 3_000;
const HOLD_MS = 6_000;
/** Some seconds at a time are slow: what was borne for `HOLD_MS` may be too much for an act. */
const BORNE_MS = 30_000;

/** A wave may cost more while it arrives, or beside something else. */
const TRIES = 3;
/** So much of it goes when it is too much. */
const SHRINK_SHARE = 0.1;

/** What to do after a wave has come: more, no more, or one wave less. */
export function afterWave(
  devices: number,
  p99Ms: number | undefined,
  most: number,
): "grow" | "stay" | "shrink" {
  if (p99Ms === undefined || p99Ms > P99_MAX_MS) return "shrink";
  return devices >= most ? "stay" : "grow";
}

/** How many devices a scenario may have: `SCALE_DEVICES=` for another number. */
const devicesMax = (): number =>
  Number(process.env["SCALE_DEVICES"] ?? Math.min(DEVICES_MAX, DEVICES_PER_CORE * availableParallelism()));

async function p99Of(waves: Waves, ms: number): Promise<number | undefined> {
  const from = performance.now();
  await sleep(ms);
  return waves.diary.answeredMs(99, { from, to: performance.now() });
}

const told = (p99Ms: number | undefined): string =>
  p99Ms === undefined ? "unknown, no send was acked" : `${p99Ms.toFixed(0)} ms`;

/** The p99 of the next seconds: the first that is low enough, or else the last of some tries. */
async function p99After(waves: Waves): Promise<number | undefined> {
  let p99Ms: number | undefined;
  for (let tries = 0; tries < TRIES; tries += 1) {
    await sleep(SETTLE_MS);
    p99Ms = await p99Of(waves, HOLD_MS);
    if (p99Ms !== undefined && p99Ms <= P99_MAX_MS) break;
  }
  return p99Ms;
}

/** Takes waves away until the rest is borne for longer. `before` is what the last wave was judged by. */
async function keepWhatIsBorne(t: TestContext, waves: Waves, before: number | undefined): Promise<void> {
  let p99Ms = before;
  while (waves.devices > 0) {
    await sleep(SETTLE_MS);
    p99Ms = await p99Of(waves, BORNE_MS);
    t.diagnostic(`${waves.devices} devices for ${BORNE_MS / 1_000} s: p99 ${told(p99Ms)}`);
    if (afterWave(waves.devices, p99Ms, waves.devices) === "stay") return;
    const fewer = Math.ceil(waves.devices * (1 - SHRINK_SHARE));
    while (waves.devices > fewer) await waves.shrink();
  }
  throw new Error(`this machine does not bear one wave: p99 ${told(p99Ms)}. Take other load off it`);
}

/**
 * Lets waves come until the machine bears no more, or the most is reached. What a machine bears depends on
 * the hour, so each scenario finds it for itself.
 */
export async function findMostBorne(t: TestContext, waves: Waves): Promise<void> {
  for (;;) {
    await waves.grow();
    const p99Ms = await p99After(waves);
    const next = afterWave(waves.devices, p99Ms, devicesMax());
    t.diagnostic(`${waves.devices} devices: p99 ${told(p99Ms)}`);
    if (next === "grow") continue;
    if (next === "shrink") await waves.shrink();
    return keepWhatIsBorne(t, waves, p99Ms);
  }
}
