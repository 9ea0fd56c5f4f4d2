import type { Cell } from "./matrix.ts";
import { leavesQuorum } from "./matrix.ts";

/** The outcome of one run. */
export interface Outcome {
  readonly faults: string;
  readonly seed: number;
  readonly over: "namespaces" | "proxies";
  readonly acks: number;
  /** The longest waits, in milliseconds. */
  readonly sendMs: number;
  readonly pullMs: number;
  readonly liveMs: number;
  /**
   * The milliseconds from the heal until no wait was longer than two seconds any more, and every device had
   * everything.
   */
  readonly levelMs: number;
  /** Broken invariants, requests that were never answered, and parts that did not restart. */
  readonly wrong: readonly string[];
}

/** While a quorum is left, no wait is longer than this. */
const WAIT_MAX_MS = 10_000;
/** The limit after the heal of any fault. */
const LEVEL_MAX_MS = 10_000;

/**
 * What fell short in a run; empty if nothing did. Waits may be `leniency` times as long as the limits: on a
 * busy machine, a single run does not measure seconds reliably.
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

/** The runs as a Markdown table: the longest waits, and the time until level, in seconds. */
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
