import assert from "node:assert/strict";
import type { Outcome } from "./outcome.ts";

export interface Bounds {
  /** The drains of the act: a device moves at most once in each, and in each shed beside them. */
  readonly drains: number;
  /** `spec.drain.maxReconnectsPerSecond`. */
  readonly perSecond: number;
  /** Pods start meanwhile, on the cores of those that serve: how long sends take is told, and not judged. */
  readonly startsPods?: boolean;
}

/** A device comes some time after it was due. */
const CAME_SLACK = 1.1;
/** A look at the connectors takes up to a second, and nobody knows when in it they counted. */
const TOLD_SLACK = 1.25;
const P99_RATIO = 2;

/** Nobody notices: what must hold of an act in which connectors come and go by drains. */
export function assertUnnoticed(outcome: Outcome, bounds: Bounds): void {
  const { drains, perSecond, startsPods = false } = bounds;
  const { refusals, interruptions, movesBy, sheds, beforeMs, movingMs, restMs = 0 } = outcome;
  assert.deepEqual(refusals.slice(0, 5), [], `${refusals.length} tries were refused`);
  assert.deepEqual(interruptions.slice(0, 5), [], `${interruptions.length} times offline`);
  const mostMoves = Math.max(0, ...movesBy.keys());
  const said = `a device reconnected ${mostMoves} times in ${drains} drains and ${sheds} sheds`;
  assert.ok(mostMoves <= drains + sheds, said);
  const { toldPerSecond, reconnectsPerSecond } = outcome;
  assert.ok(toldPerSecond <= TOLD_SLACK * perSecond, `${toldPerSecond} were told to go in a second`);
  assert.ok(
    reconnectsPerSecond <= CAME_SLACK * perSecond,
    `${reconnectsPerSecond} came in a second, of ${perSecond} that may`,
  );
  assert.ok(movingMs !== undefined, "devices moved, and sent meanwhile");
  // Where sends are as slow while nobody moves, the moves are not the cause: they may not add as much again.
  const withoutMoves = restMs < P99_RATIO * beforeMs ? beforeMs : restMs;
  assert.ok(
    startsPods || movingMs < P99_RATIO * withoutMoves,
    `p99 was ${movingMs.toFixed(0)} ms while devices moved, ${beforeMs.toFixed(0)} before, and ${restMs.toFixed(0)} between the drains`,
  );
}
