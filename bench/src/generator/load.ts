import type { Pids, Usage } from "./cpu.ts";
import { countCpu } from "./cpu.ts";

/** What every load says of itself: without it no figure may be believed. */
export interface Load {
  /** Of one core, by the generator itself. */
  readonly generatorShare: number;
  /** Done in time over asked; 1 where nothing is offered at a rate. */
  readonly offered: number;
  /** CPU seconds of each process while the load lasted. */
  readonly cpu: Usage;
}

const SHARE_MAX = 0.8;
const OFFERED_MIN = 0.99;

/** Why the load says nothing of the servers: the generator was the limit. */
export function voidBecause({ generatorShare, offered }: Load): string | undefined {
  if (generatorShare > SHARE_MAX)
    return `the generator used ${(100 * generatorShare).toFixed(0)} % of a core`;
  if (offered < OFFERED_MIN) return `only ${(100 * offered).toFixed(1)} % of the rate was offered`;
  return undefined;
}

/** The same of many, to stand behind a row; nothing where all may be believed. */
export const voids = (runs: readonly Load[]): string => {
  const why = runs.map(voidBecause).find((reason) => reason !== undefined);
  return why === undefined ? "" : `; void: ${why}`;
};

/** Begins to watch this process and the servers; the value tells how it went. */
export function watchLoad(pids: Pids): (offered?: number) => Load {
  const usage = countCpu(pids);
  const cpu = process.cpuUsage();
  const started = performance.now();
  return (offered = 1) => {
    const { user, system } = process.cpuUsage(cpu);
    const generatorShare = (user + system) / 1_000 / (performance.now() - started);
    return { generatorShare, offered, cpu: usage() };
  };
}

export const pause = (ms: number): Promise<void> =>
  new Promise((resolve) => {
    setTimeout(resolve, ms);
  });
