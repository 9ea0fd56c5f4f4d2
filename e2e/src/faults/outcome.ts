import type { Cell } from "./matrix.ts";
import { leavesQuorum } from "./matrix.ts";

/** What one run showed. */
export interface Outcome {
  readonly faults: string;
  readonly seed: number;
  readonly over: "namespaces" | "proxies";
  readonly acks: number;
  /** The longest waits, in milliseconds. */
  readonly sendMs: number;
  readonly pullMs: number;
  readonly liveMs: number;
  /** From the heal until nobody waited for more than two seconds any more, and had everything. */
  readonly levelMs: number;
  /** What breaks an invariant, was never answered, or did not come up again. */
  readonly wrong: readonly string[];
}

/** Where a quorum is left nobody waits longer. */
const WAIT_MAX_MS = 10_000;
/** After the heal, whatever it was. */
const LEVEL_MAX_MS = 10_000;

/**
 * Where a run fell short of what must hold; empty when all does. Waits may be `leniency` times as long as they
 * must not be: on a machine that has other work a single run does not tell seconds.
 */
export function shortfalls(cell: Cell, outcome: Outcome, leniency = 1): readonly string[] {
  const { sendMs, pullMs, liveMs, levelMs, wrong } = outcome;
  const waits = { "an ack": sendMs, "a page": pullMs, "a live event": liveMs };
  const long = Object.entries(waits).filter(([, ms]) => leavesQuorum(cell) && ms > leniency * WAIT_MAX_MS);
  return [
    ...wrong,
    ...long.map(([what, ms]) => `somebody waited ${seconds(ms)} s for ${what}, with a quorum left`),
    ...(levelMs > leniency * LEVEL_MAX_MS ? [`level only ${seconds(levelMs)} s after the heal`] : []),
  ];
}

const seconds = (ms: number): string => (ms / 1_000).toFixed(1);

const HEAD = ["fault", "seed", "acks", "send", "page", "live", "level", "short of"];

/** The runs as a table in Markdown: longest waits and time until level, in seconds. */
export function tableOf(runs: readonly { readonly cell: Cell; readonly outcome: Outcome }[]): string {
  const rows = runs.map(({ cell, outcome }) => {
    const { faults, seed, acks, sendMs, pullMs, liveMs, levelMs } = outcome;
    const [first = "", ...more] = shortfalls(cell, outcome);
    const short = `${first.replaceAll("|", "/")}${more.length === 0 ? "" : ` (and ${more.length} more)`}`;
    return [faults, String(seed), String(acks), ...[sendMs, pullMs, liveMs, levelMs].map(seconds), short];
  });
  const line = (cells: readonly string[]): string => `| ${cells.join(" | ")} |`;
  return [line(HEAD), line(HEAD.map(() => "---")), ...rows.map(line), ""].join("\n");
}
