import { availableParallelism } from "node:os";
import type { TestContext } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import type { Waves } from "./waves.ts";

/** No more is asked of any machine. */
const DEVICES_MAX = 2_000;
/**
 * What comes in an act needs cores too. Two cores bore 1,800 devices before an upgrade, and in an upgrade
 * under 1,000 the API server ended: pods of two versions and the control plane of three nodes are on them.
 */
const DEVICES_PER_CORE = 100;
/** Less than is allowed before an act, since the figure wavers. */
const P99_MAX_MS = 800;
/** What the arrival of a wave costs is over by then. */
const SETTLE_MS = 3_000;
const HOLD_MS = 6_000;

/** A wave may cost more while it arrives, or beside something else. */
const TRIES = 3;

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

/** The p99 of the next seconds: the first that is low enough, or else the last of some tries. */
async function p99After(waves: Waves): Promise<number | undefined> {
  let p99Ms: number | undefined;
  for (let tries = 0; tries < TRIES; tries += 1) {
    await sleep(SETTLE_MS);
    const from = performance.now();
    await sleep(HOLD_MS);
    p99Ms = waves.diary.answeredMs(99, { from, to: performance.now() });
    if (p99Ms !== undefined && p99Ms <= P99_MAX_MS) break;
  }
  return p99Ms;
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
    t.diagnostic(`${waves.devices} devices: p99 ${p99Ms?.toFixed(0) ?? "unknown, no send was acked"} ms`);
    if (next === "grow") continue;
    if (next === "shrink") await waves.shrink();
    if (waves.devices === 0)
      throw new Error(
        `this machine does not bear one wave: p99 ${p99Ms?.toFixed(0) ?? "unknown"} ms. Take other load off it`,
      );
    return;
  }
}
