import assert from "node:assert/strict";
import { test } from "node:test";
import { fleetWith } from "../../test/fleet-with.ts";
import { podOf } from "../../test/pod-of.ts";
import type { ConnectorPod, Fleet } from "./fleet.ts";
import type { ShedMark } from "./shed-mark.ts";
import { readShedMark, shedMarkText } from "./shed-mark.ts";
import type { ShedAct } from "./sheds.ts";
import { excessOf, isShedding, shedsOf } from "./sheds.ts";

const NOW = 10_000_000;
const MARK: ShedMark = { since: NOW - 20_000, connections: 200, perSecond: 100, rounds: 1 };
const fleetOf = (pods: readonly ConnectorPod[], but: Partial<Fleet> = {}): Fleet =>
  fleetWith(pods, { now: NOW, perSecond: 100, ...but });
const full = (but: Partial<ConnectorPod> = {}): ConnectorPod => podOf("full", { connections: 1_000, ...but });
const empty = (name: string, but: Partial<ConnectorPod> = {}): ConnectorPod =>
  podOf(name, { connections: 0, ...but });
const shed = (more: Partial<ShedMark> = {}): readonly ShedAct[] => [
  { does: "shed", pod: "full", mark: { since: NOW, connections: 666, perSecond: 100, rounds: 1, ...more } },
];
const stop: readonly ShedAct[] = [{ does: "stop", pod: "full" }];

interface Row {
  readonly what: string;
  readonly pods: readonly ConnectorPod[];
  readonly but?: Partial<Fleet>;
  readonly asked?: string;
  readonly acts: readonly ShedAct[];
  readonly isOpen?: boolean;
  readonly done?: string;
}

const ROWS: readonly Row[] = [
  {
    what: "a rebalance is not done while one does not say how many it has",
    pods: [full(), empty("a"), empty("b", { connections: undefined })],
    asked: "x",
    acts: [],
    isOpen: true,
  },
  {
    what: "rounds are remembered while one does not say how many it has",
    pods: [
      full({ shed: { ...MARK, since: NOW - 3_000_000, rounds: 9 } }),
      empty("a", { connections: undefined }),
    ],
    acts: [],
  },
  {
    what: "after 1 to 3, the full one sends two thirds away",
    pods: [full(), empty("a"), empty("b")],
    acts: shed(),
    isOpen: true,
  },
  {
    what: "not before the others have been ready for a while",
    pods: [full(), empty("a", { readyChangedAt: NOW - 9_999 }), empty("b")],
    acts: [],
    isOpen: true,
  },
  {
    what: "but then",
    pods: [full(), empty("a", { readyChangedAt: NOW - 10_000 }), empty("b")],
    acts: shed(),
    isOpen: true,
  },
  {
    what: "who has no more than its share waits for nobody",
    pods: [empty("a", { readyChangedAt: NOW }), empty("b")],
    acts: [],
  },
  {
    what: "a person who asks for it does not wait for that",
    pods: [full(), empty("a", { readyChangedAt: NOW }), empty("b")],
    asked: "x",
    acts: shed({ asked: "x" }),
    isOpen: true,
  },
  {
    what: "not before all that are wanted serve",
    pods: [full(), empty("a")],
    but: { wanted: 3, currentMax: 3 },
    acts: [],
  },
  {
    what: "a new one counts once the Service has it",
    pods: [full(), empty("a"), empty("b", { isInService: false })],
    acts: [],
  },
  {
    what: "nobody while one does not say how many it has",
    pods: [full(), empty("a", { connections: undefined })],
    acts: [],
  },
  {
    what: "nobody while a pod drains",
    pods: [full(), empty("a"), empty("b", { mark: { why: "Asked", since: NOW } })],
    but: { wanted: 2, currentMax: 2 },
    acts: [],
  },
  {
    what: "nobody while an old revision is there",
    pods: [full(), empty("a"), empty("b", { revision: "old" })],
    but: { wanted: 2, currentMax: 2 },
    acts: [],
  },
  {
    what: "nobody while a new revision proves itself",
    pods: [full(), empty("a")],
    but: { currentMax: 1 },
    acts: [],
  },
  {
    what: "nobody while a pod that ends has devices",
    pods: [full(), empty("a"), empty("b", { isEnding: true, connections: 3 })],
    but: { wanted: 2, currentMax: 2 },
    acts: [],
  },
  {
    what: "one that ends without devices is no reason to wait",
    pods: [full(), empty("a"), empty("b"), empty("c", { isEnding: true })],
    but: { wanted: 3, currentMax: 3 },
    acts: shed(),
    isOpen: true,
  },
  {
    what: "nobody while fewer are wanted: one of them drains soon",
    pods: [full(), empty("a"), empty("b")],
    but: { wanted: 2, currentMax: 2 },
    acts: [],
  },
  {
    what: "all that have too many share the rate, so that they end at the same time",
    pods: [full(), podOf("other", { connections: 900 }), empty("a"), empty("b")],
    acts: [
      ...shed({ connections: 525, perSecond: 55 }),
      { does: "shed", pod: "other", mark: { since: NOW, connections: 425, perSecond: 44, rounds: 1 } },
    ],
    isOpen: true,
  },
  {
    what: "a rate of one is for the fullest",
    pods: [podOf("other", { connections: 900 }), full(), empty("a"), empty("b")],
    but: { perSecond: 1 },
    acts: shed({ connections: 525, perSecond: 1 }),
    isOpen: true,
  },
  {
    what: "nobody is told beside one that sheds",
    pods: [full({ shedLeft: 5 }), podOf("other", { connections: 5_000 }), empty("a")],
    acts: [],
    isOpen: true,
  },
  {
    what: "also if no mark says so, since its operator ended",
    pods: [full({ shedLeft: 5 }), empty("a"), empty("b")],
    acts: [],
    isOpen: true,
  },
  {
    what: "what was told a moment ago is not told again, heard or not",
    pods: [full({ shed: { ...MARK, since: NOW - 16_999 } }), empty("a"), empty("b")],
    acts: [],
    isOpen: true,
  },
  {
    what: "it is told again once its devices must have arrived",
    pods: [full({ shed: { ...MARK, since: NOW - 17_000 } }), empty("a"), empty("b")],
    acts: shed({ rounds: 2 }),
    isOpen: true,
  },
  {
    what: "each round that did not help waits for twice as long",
    pods: [full({ shed: { ...MARK, rounds: 4, since: NOW - 121_999 } }), empty("a"), empty("b")],
    acts: [],
  },
  {
    what: "and no longer",
    pods: [full({ shed: { ...MARK, rounds: 4, since: NOW - 122_000 } }), empty("a"), empty("b")],
    acts: shed({ rounds: 5 }),
    isOpen: true,
  },
  {
    what: "an hour at most",
    pods: [full({ shed: { ...MARK, rounds: 60, since: NOW - 3_602_000 } }), empty("a"), empty("b")],
    acts: shed({ rounds: 61 }),
    isOpen: true,
  },
  {
    what: "a time that lies ahead is not waited for",
    pods: [full({ shed: { ...MARK, since: NOW + 1 } }), empty("a"), empty("b")],
    acts: shed({ rounds: 2 }),
    isOpen: true,
  },
  {
    what: "it ends as soon as a pod is to go",
    pods: [
      full({ shedLeft: 300, shed: MARK }),
      empty("a"),
      empty("b", { mark: { why: "ScaleIn", since: NOW } }),
    ],
    but: { wanted: 2, currentMax: 2 },
    acts: stop,
    isOpen: true,
  },
  {
    what: "also one that may not have heard of it yet",
    pods: [full({ shed: { ...MARK, since: NOW - 1 } }), empty("a"), empty("b")],
    but: { wanted: 2, currentMax: 2 },
    acts: stop,
    isOpen: true,
  },
  {
    what: "it ends if the spec allows fewer in a second",
    pods: [full({ shedLeft: 300, shed: MARK }), empty("a"), empty("b")],
    but: { perSecond: 99 },
    acts: stop,
    isOpen: true,
  },
  {
    what: "what helped is forgotten",
    pods: [
      podOf("full", { connections: 120, shed: MARK }),
      podOf("a", { connections: 100 }),
      podOf("b", { connections: 80 }),
    ],
    acts: [{ does: "forget", pod: "full" }],
  },
  {
    what: "who asks gets it below 1.2 times the share too",
    pods: [
      podOf("full", { connections: 120 }),
      podOf("a", { connections: 100 }),
      podOf("b", { connections: 80 }),
    ],
    asked: "x",
    acts: [
      {
        does: "shed",
        pod: "full",
        mark: { since: NOW, connections: 20, perSecond: 100, rounds: 1, asked: "x" },
      },
    ],
    isOpen: true,
  },
  {
    what: "once, and then it is done",
    pods: [
      podOf("full", { connections: 115, shed: { ...MARK, asked: "x" } }),
      podOf("a", { connections: 100 }),
      podOf("b", { connections: 85 }),
    ],
    asked: "x",
    acts: [{ does: "forget", pod: "full" }],
    done: "x",
  },
  {
    what: "who asks does not wait for a round that did not help",
    pods: [full({ shed: { ...MARK, rounds: 9 } }), empty("a"), empty("b")],
    asked: "x",
    acts: shed({ rounds: 10, asked: "x" }),
    isOpen: true,
  },
  {
    what: "what is asked for waits while not all serve",
    pods: [full(), empty("a")],
    but: { wanted: 3, currentMax: 3 },
    asked: "x",
    acts: [],
  },
];

for (const { what, pods, but, asked, acts, isOpen = false, done } of ROWS)
  test(`sheds: ${what}`, () => {
    const plan = shedsOf(fleetOf(pods, but), asked);
    assert.deepEqual(plan.acts, acts);
    assert.equal(plan.isOpen, isOpen);
    assert.equal(plan.done, done);
  });

test("a pod that does not answer sheds for as long as a connector may, and one that drains does not", () => {
  const mute = (since: number) => isShedding(full({ shed: { ...MARK, since }, shedLeft: undefined }), NOW);
  assert.equal(mute(NOW - 65_999), true);
  assert.equal(mute(NOW - 66_000), false);
  assert.equal(mute(NOW + 1), true, "its clock says nothing");
  assert.equal(isShedding(full({ shedLeft: 5, drain: "draining" }), NOW), false);
});

test("who carries over 1.2 times the fair share sends the excess away, and a few devices stay", () => {
  const pods = (...all: readonly (number | undefined)[]) =>
    all.map((connections, at) => ({ name: `p${at}`, connections }));
  assert.deepEqual([...excessOf(pods(1_000, 0, 0))], [["p0", 666]]);
  assert.deepEqual([...excessOf(pods(1_201, 1_000, 799))], [["p0", 201]]);
  assert.deepEqual([...excessOf(pods(1_200, 1_000, 800))], [], "at the limit");
  assert.deepEqual([...excessOf(pods(130, 100, 70))], [["p0", 30]]);
  assert.deepEqual([...excessOf(pods(129, 100, 71))], [], "chance alone does as much");
  assert.deepEqual([...excessOf(pods(129, 100, 71), true)], [["p0", 29]], "asked for");
  assert.deepEqual([...excessOf(pods(109, 100, 91), true)], [], "fewer than ten");
  assert.deepEqual([...excessOf(pods(15, 0))], [], "fewer than ten");
  assert.deepEqual([...excessOf(pods(1_000, undefined))], [], "not known");
  assert.deepEqual([...excessOf(pods(1_000))], [], "nobody else");
});

test("a mark is read as it was written, and what nobody of us wrote says nothing", () => {
  for (const mark of [MARK, { ...MARK, asked: "x" }])
    assert.deepEqual(readShedMark(shedMarkText(mark)), mark);
  for (const text of [
    undefined,
    "",
    "now",
    "null",
    "{}",
    '{"since":"2026-01-01T00:00:00Z","connections":-1}',
  ])
    assert.equal(readShedMark(text), undefined, text);
});
