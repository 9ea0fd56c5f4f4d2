import type { Pids, Usage } from "./cpu.ts";
import { countCpu } from "./cpu.ts";

/** The facts that every load reports about itself. Without them, no figure can be trusted. */
export interface Load {
  /** The generator's own use of one core; 1 is all of it. */
  readonly generatorShare: number;
  /** The rate that was offered over the rate that was asked for; 1 if the load has no rate. */
  readonly offered: number;
  /** The CPU seconds that each process used during the load. */
  readonly cpu: Usage;
}

const SHARE_MAX = 0.8;
const OFFERED_MIN = 0.99;

/** Why the load says nothing about the servers: the generator was the limit. Undefined if it was not. */
export function voidBecause({ generatorShare, offered }: Load): string | undefined {
  if (generatorShare > SHARE_MAX)
    return `the generator used ${(100 * generatorShare).toFixed(0)} % of a core`;
  if (offered < OFFERED_MIN) return `only ${(100 * offered).toFixed(1)} % of the rate was offered`;
  return undefined;
}

/** The same for several loads, as a note for a row; empty if all of them are valid. */
export const voids = (runs: readonly Load[]): string => {
  const why = runs.map(voidBecause).find((reason) => reason !== undefined);
  return why === undefined ? "" : `; void: ${why}`;
};

/** Starts to watch this process and the servers. The returned function gives the result. */
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
