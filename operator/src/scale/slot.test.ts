import assert from "node:assert/strict";
import { test } from "node:test";
import type { Phase } from "./rollout-state.ts";
import { begun, blocked, entering } from "./rollout-state.ts";
import type { Claim } from "./slot.ts";
import { hasSlot } from "./slot.ts";

const NOW = Date.parse("2026-03-03T12:00:00Z");
const [OLD, NEW] = [
  { version: "0.1.0", revision: "old" },
  { version: "0.2.0", revision: "new" },
];
const claim = (key: string, phase: Phase, agoS: number, more: Partial<Claim> = {}): Claim => ({
  key,
  rollout: entering(begun(OLD, NEW, NOW), phase, NOW - 1_000 * agoS),
  isPaused: false,
  ...more,
});

const CASES: readonly {
  readonly what: string;
  readonly own: Claim;
  readonly others: readonly Claim[];
  readonly max?: number;
  readonly has: boolean;
}[] = [
  { what: "alone", own: claim("a", "Waiting", 1), others: [], has: true },
  {
    what: "behind one that moves",
    own: claim("a", "Waiting", 90),
    others: [claim("b", "Connectors", 10)],
    has: false,
  },
  {
    what: "with two slots",
    own: claim("a", "Waiting", 90),
    others: [claim("b", "Connectors", 10)],
    max: 2,
    has: true,
  },
  { what: "who waits longer", own: claim("a", "Waiting", 9), others: [claim("b", "Waiting", 8)], has: true },
  {
    what: "behind who waits longer",
    own: claim("a", "Waiting", 8),
    others: [claim("b", "Waiting", 9)],
    has: false,
  },
  {
    what: "of the same moment, by name",
    own: claim("b", "Waiting", 8),
    others: [claim("a", "Waiting", 8)],
    has: false,
  },
  {
    what: "beside one that a person has to promote",
    own: claim("a", "Waiting", 1),
    others: [
      {
        key: "b",
        rollout: blocked(entering(begun(OLD, NEW, NOW), "Waiting", 0), "Promotion", "x"),
        isPaused: false,
      },
    ],
    has: true,
  },
  {
    what: "beside one that is paused",
    own: claim("a", "Waiting", 1),
    others: [claim("b", "Connectors", 9, { isPaused: true })],
    has: true,
  },
  ...(["Preflight", "Canary", "Soaking", "Done", "RolledBack"] as const).map((phase) => ({
    what: `beside one in phase ${phase}`,
    own: claim("a", "Waiting", 1),
    others: [claim("b", phase, 9)],
    has: true,
  })),
  {
    what: "beside one that goes back",
    own: claim("a", "Waiting", 1),
    others: [claim("b", "RollingBack", 599)],
    has: false,
  },
  {
    what: "beside one that cannot go back",
    own: claim("a", "Waiting", 1),
    others: [claim("b", "RollingBack", 600)],
    has: true,
  },
  {
    what: "two that move, the later one: it was paused",
    own: claim("a", "Connectors", 5),
    others: [claim("b", "Connectors", 6)],
    has: false,
  },
  {
    what: "the own claim counts once, as it is now",
    own: claim("a", "Waiting", 5),
    others: [claim("a", "Connectors", 6)],
    has: true,
  },
];

for (const { what, own, others, max = 1, has } of CASES)
  test(`a slot: ${what}`, () => {
    assert.equal(hasSlot(own, others, max, NOW), has);
  });
