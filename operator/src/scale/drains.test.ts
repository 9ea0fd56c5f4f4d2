import assert from "node:assert/strict";
import { test } from "node:test";
import { fleetWith } from "../../test/fleet-with.ts";
import { podOf } from "../../test/pod-of.ts";
import type { DrainMark } from "./drain-mark.ts";
import { drainsOf } from "./drains.ts";
import type { ConnectorPod, Fleet } from "./fleet.ts";

const NOW = 1_000_000;
const DEADLINE_MS = 60_000;
const marked: DrainMark = { why: "ScaleIn", since: NOW - 10_000 };
/** Its turn came, and what went before it is long gone. */
const next: DrainMark = { ...marked, turnSince: NOW - 5_000 };
const told: DrainMark = { ...marked, deadline: NOW + 30_000, perSecond: 200 };
const out = { isRouted: false, isInService: false };
const draining = { ...out, isReady: false, drain: "draining", mark: told } as const;
const drained = { ...draining, drain: "drained", connections: 0 } as const;

const fleetOf = (wanted: number, pods: readonly ConnectorPod[], more: Partial<Fleet> = {}): Fleet => {
  const names = [...new Set(["new", ...pods.map(({ revision }) => revision)])];
  const revisions = names.map((name) => {
    const count = pods.filter((pod) => pod.revision === name && !pod.isEnding).length;
    return { name, replicas: count, counted: count, isSeen: true };
  });
  return fleetWith(pods, { now: NOW, wanted, revisions, deadlineMs: DEADLINE_MS, perSecond: 200, ...more });
};

interface Row {
  readonly what: string;
  readonly fleet: Fleet;
  readonly acts: readonly string[];
  readonly replicas: Readonly<Record<string, number>>;
}

const old = (name: string, but: Partial<ConnectorPod> = {}) => podOf(name, { revision: "old", ...but });
const ROWS: readonly Row[] = [
  { what: "level", fleet: fleetOf(2, [podOf("a"), podOf("b")]), acts: [], replicas: { new: 2 } },
  {
    what: "one too many is marked, and nothing shrinks yet",
    fleet: fleetOf(1, [podOf("a"), podOf("b", { connections: 3 })]),
    acts: ["mark b"],
    replicas: { new: 2 },
  },
  {
    what: "a marked one is told once it is out of the Service",
    fleet: fleetOf(1, [podOf("a"), podOf("b", { ...out, mark: next })]),
    acts: ["tell b"],
    replicas: { new: 2 },
  },
  {
    what: "and not while an EndpointSlice has it",
    fleet: fleetOf(1, [podOf("a"), podOf("b", { ...out, isInService: true, mark: next })]),
    acts: [],
    replicas: { new: 2 },
  },
  {
    what: "nor right after it was taken out: proxies follow by a moment",
    fleet: fleetOf(1, [podOf("a"), podOf("b", { ...out, mark: { ...next, since: NOW - 2_999 } })]),
    acts: [],
    replicas: { new: 2 },
  },
  {
    what: "nor while those that stay are not ready",
    fleet: fleetOf(1, [podOf("a", { isReady: false }), podOf("b", { ...out, mark: next })]),
    acts: [],
    replicas: { new: 2 },
  },
  {
    what: "nor while another one drains",
    fleet: fleetOf(1, [podOf("a"), podOf("b", draining), podOf("c", { ...out, mark: marked })]),
    acts: [],
    replicas: { new: 3 },
  },
  {
    what: "nor while one that is being deleted still has devices",
    fleet: fleetOf(1, [podOf("a"), podOf("b", { isEnding: true }), podOf("c", { ...out, mark: marked })]),
    acts: [],
    replicas: { new: 2 },
  },
  {
    what: "nor while one that has to go still has devices",
    fleet: fleetOf(1, [
      podOf("a"),
      podOf("b", { ...out, mark: marked }),
      old("c", { ...draining, mark: { ...told, deadline: NOW - 2_000, to: 0, goesSince: NOW } }),
    ]),
    acts: [],
    replicas: { new: 2, old: 0 },
  },
  {
    what: "nor while one that stays sheds: both have the same rate",
    fleet: fleetOf(1, [podOf("a", { shedLeft: 3 }), podOf("b", { ...out, mark: marked })]),
    acts: [],
    replicas: { new: 2 },
  },
  {
    what: "one without devices needs nobody's rate",
    fleet: fleetOf(1, [
      podOf("a"),
      podOf("b", draining),
      podOf("c", { ...out, mark: marked, connections: 0 }),
    ]),
    acts: ["tell c"],
    replicas: { new: 3 },
  },
  {
    what: "a drained one may go",
    fleet: fleetOf(1, [podOf("a"), podOf("b", drained)]),
    acts: ["release b to 1"],
    replicas: { new: 2 },
  },
  {
    what: "one with devices goes after its deadline, and that is counted",
    fleet: fleetOf(1, [podOf("a"), podOf("b", { ...draining, mark: { ...told, deadline: NOW - 2_000 } })]),
    acts: ["release b to 1 forced 10"],
    replicas: { new: 2 },
  },
  {
    what: "and not a moment before the connector itself has closed the last ones",
    fleet: fleetOf(1, [podOf("a"), podOf("b", { ...draining, mark: { ...told, deadline: NOW - 1_999 } })]),
    acts: [],
    replicas: { new: 2 },
  },
  {
    what: "a released one is the one by which the replicas are lowered",
    fleet: fleetOf(1, [podOf("a"), podOf("b", { ...drained, mark: { ...told, to: 1, goesSince: NOW } })]),
    acts: [],
    replicas: { new: 1 },
  },
  {
    what: "an old state seen once more lowers nothing twice",
    fleet: fleetOf(1, [
      podOf("a"),
      podOf("b", { ...drained, mark: { ...told, to: 2, goesSince: NOW } }),
      podOf("c", drained),
    ]),
    acts: [],
    replicas: { new: 2 },
  },
  {
    what: "one that was passed over serves again",
    fleet: fleetOf(1, [podOf("b", { ...drained, mark: { ...told, to: 1, goesSince: NOW - 5_000 } })]),
    acts: ["undo b wrong"],
    replicas: { new: 1 },
  },
  {
    what: "demand returns: the victim with the most devices stays",
    fleet: fleetOf(2, [
      podOf("a"),
      podOf("b", { ...out, mark: next, connections: 5 }),
      podOf("c", { ...out, mark: marked, connections: 9 }),
    ]),
    acts: ["undo c", "tell b"],
    replicas: { new: 3 },
  },
  {
    what: "a drain that was asked for gets its successor first, and is not undone",
    fleet: fleetOf(2, [podOf("a"), podOf("b", { ...out, mark: { ...marked, why: "Asked" } })]),
    acts: [],
    replicas: { new: 3 },
  },
  {
    what: "one that forgot its drain is told again",
    fleet: fleetOf(1, [podOf("a"), podOf("b", { ...out, mark: told, drain: "none" })]),
    acts: ["tell b"],
    replicas: { new: 2 },
  },
  {
    what: "a deadline that a wrong clock has set is set again",
    fleet: fleetOf(1, [
      podOf("a"),
      podOf("b", { ...draining, mark: { ...told, deadline: NOW + 86_400_000 } }),
    ]),
    acts: ["tell b"],
    replicas: { new: 2 },
  },
  {
    what: "one that never ran goes untold",
    fleet: fleetOf(1, [
      podOf("a"),
      podOf("b", { ...out, mark: marked, isRunning: false, isReady: false, connections: undefined }),
    ]),
    acts: ["release b to 1"],
    replicas: { new: 2 },
  },
  {
    what: "but not before it has left the Service: it may have started since it was seen",
    fleet: fleetOf(1, [
      podOf("a"),
      podOf("b", {
        ...out,
        mark: { ...marked, since: NOW - 2_999 },
        isRunning: false,
        isReady: false,
        connections: undefined,
      }),
    ]),
    acts: [],
    replicas: { new: 2 },
  },
  {
    what: "nor right after its container has ended: it may run again by now",
    fleet: fleetOf(1, [
      podOf("a"),
      podOf("b", {
        ...out,
        mark: marked,
        isRunning: false,
        isReady: false,
        readyChangedAt: NOW - 4_999,
        connections: undefined,
      }),
    ]),
    acts: [],
    replicas: { new: 2 },
  },
  {
    what: "no old one leaves before half of the new ones are ready",
    fleet: fleetOf(4, [
      ...["a", "b", "c", "d"].map((name) => old(name)),
      podOf("e"),
      ...["f", "g", "h"].map((name) => podOf(name, { isReady: false })),
    ]),
    acts: [],
    replicas: { new: 4, old: 4 },
  },
  {
    what: "then all leave the Service before any device is told",
    fleet: fleetOf(2, [old("a"), old("b"), podOf("c"), podOf("d", { isReady: false })]),
    acts: ["mark a", "mark b"],
    replicas: { new: 2, old: 2 },
  },
  {
    what: "old ones come back if no new one is ready any more",
    fleet: fleetOf(2, [
      old("a", { ...out, mark: { ...marked, why: "OldRevision" } }),
      old("b", { ...out, mark: { ...marked, why: "OldRevision" } }),
      podOf("c", { isReady: false }),
      podOf("d", { isReady: false }),
    ]),
    acts: ["undo a", "undo b"],
    replicas: { new: 2, old: 2 },
  },
  {
    what: "an old revision is scaled while it alone serves, and a broken one shrinks",
    fleet: fleetOf(3, [
      old("a"),
      old("b"),
      podOf("c", { revision: "broken", isReady: false, connections: 0 }),
    ]),
    acts: ["mark c"],
    replicas: { new: 3, old: 2, broken: 1 },
  },
  {
    what: "an old revision that was just scaled keeps its replicas, although their pods are not there yet",
    fleet: fleetOf(3, [old("a")], {
      revisions: [
        { name: "new", replicas: 3, counted: 0, isSeen: true },
        { name: "old", replicas: 3, counted: 1, isSeen: false },
      ],
    }),
    acts: [],
    replicas: { new: 3, old: 3 },
  },
  {
    what: "a pod that an older operator made is labelled",
    fleet: fleetOf(1, [podOf("a", { isRouted: false })]),
    acts: ["route a"],
    replicas: { new: 1 },
  },
  {
    what: "whose turn it is, of two, is noted first: the one that was marked first",
    fleet: fleetOf(1, [
      podOf("a"),
      podOf("b", { ...out, mark: marked }),
      podOf("c", { ...out, mark: { ...marked, since: NOW - 11_000 } }),
    ]),
    acts: ["turn c"],
    replicas: { new: 3 },
  },
  {
    what: "who has it keeps it, in whatever order the pods are seen",
    fleet: fleetOf(1, [
      podOf("a"),
      podOf("c", { ...out, mark: marked }),
      podOf("b", { ...out, mark: { ...next, turnSince: NOW - 1_000 } }),
    ]),
    acts: [],
    replicas: { new: 3 },
  },
  {
    what: "of two that were marked together it is the one whose name comes first",
    fleet: fleetOf(1, [
      podOf("a"),
      podOf("c", { ...out, mark: marked }),
      podOf("b", { ...out, mark: marked }),
    ]),
    acts: ["turn b"],
    replicas: { new: 3 },
  },
  {
    what: "devices rest before the next ones are told",
    fleet: fleetOf(1, [podOf("a"), podOf("b", { ...out, mark: { ...next, turnSince: NOW - 4_999 } })]),
    acts: [],
    replicas: { new: 2 },
  },
  {
    what: "a turn has not come while another pod goes",
    fleet: fleetOf(1, [
      podOf("a"),
      old("b", { isEnding: true, connections: 0, mark: { ...told, to: 0, goesSince: NOW - 3_000 } }),
      podOf("c", { ...out, mark: marked }),
    ]),
    acts: [],
    replicas: { new: 2, old: 0 },
  },
  {
    what: "and one that had come before is over",
    fleet: fleetOf(1, [
      podOf("a"),
      old("b", { isEnding: true, connections: 0, mark: { ...told, to: 0, goesSince: NOW - 3_000 } }),
      podOf("c", { ...out, mark: next }),
    ]),
    acts: ["turn c over"],
    replicas: { new: 2, old: 0 },
  },
  {
    what: "so is one during which others were told",
    fleet: fleetOf(1, [podOf("a"), podOf("b", draining), podOf("c", { ...out, mark: next })]),
    acts: ["turn c over"],
    replicas: { new: 3 },
  },
  {
    what: "a pod that goes and never ends, on a node that is lost, is not waited for",
    fleet: fleetOf(1, [
      podOf("a"),
      old("b", { isEnding: true, connections: undefined, mark: { ...told, to: 0, goesSince: NOW - 15_000 } }),
      podOf("c", { ...out, mark: next }),
    ]),
    acts: ["tell c"],
    replicas: { new: 2, old: 0 },
  },
  {
    what: "no device is told while a connector that takes it has just become ready",
    fleet: fleetOf(1, [podOf("a", { readyChangedAt: NOW - 9_999 }), podOf("b", { ...out, mark: next })]),
    acts: [],
    replicas: { new: 2 },
  },
  {
    what: "they are told once it has been ready for 10 s",
    fleet: fleetOf(1, [podOf("a", { readyChangedAt: NOW - 10_000 }), podOf("b", { ...out, mark: next })]),
    acts: ["tell b"],
    replicas: { new: 2 },
  },
  {
    what: "one that is ready again and again holds nobody for ever",
    fleet: fleetOf(1, [
      podOf("a", { readyChangedAt: NOW - 1_000 }),
      podOf("b", { ...out, mark: { ...next, turnSince: NOW - 30_000 } }),
    ]),
    acts: ["tell b"],
    replicas: { new: 2 },
  },
  {
    what: "one that leaves as well takes no device: nobody waits for it",
    fleet: fleetOf(1, [
      podOf("a"),
      podOf("b", { ...out, mark: next }),
      podOf("c", { ...out, mark: marked, readyChangedAt: NOW }),
    ]),
    acts: ["tell b"],
    replicas: { new: 3 },
  },
  {
    what: "a drain that was asked for waits for nothing of that",
    fleet: fleetOf(1, [
      podOf("a", { readyChangedAt: NOW }),
      podOf("b", { ...out, mark: next }),
      podOf("c", { ...out, mark: { ...marked, why: "Asked" } }),
    ]),
    acts: ["tell c"],
    replicas: { new: 3 },
  },
  {
    what: "nor does a pod that is not ready itself, nor one without devices",
    fleet: fleetOf(2, [
      podOf("a", { readyChangedAt: NOW }),
      podOf("d", { readyChangedAt: NOW }),
      podOf("b", { ...out, mark: marked, connections: 0 }),
      podOf("c", { ...out, isReady: false, mark: marked }),
    ]),
    acts: ["tell b", "tell c"],
    replicas: { new: 4 },
  },
  {
    what: "nor does one that was told before, and forgot it",
    fleet: fleetOf(1, [
      podOf("a", { readyChangedAt: NOW }),
      podOf("b", { ...out, mark: told, drain: "none" }),
    ]),
    acts: ["tell b"],
    replicas: { new: 2 },
  },
  {
    what: "nor does a revision that is taken back",
    fleet: fleetOf(
      1,
      [podOf("a", { readyChangedAt: NOW }), old("b", { ...out, mark: { ...marked, why: "OldRevision" } })],
      { isUrgent: true },
    ),
    acts: ["tell b"],
    replicas: { new: 1, old: 1 },
  },
];

for (const { what, fleet, acts, replicas } of ROWS)
  test(`drains: ${what}`, () => {
    const plan = drainsOf(fleet);
    const told = plan.acts.map((act) => {
      const { does, pod } = act;
      if (does === "release")
        return `release ${pod} to ${act.mark.to}${act.mark.forced === undefined ? "" : ` forced ${act.mark.forced}`}`;
      if (does === "turn" && act.mark.turnSince === undefined) return `turn ${pod} over`;
      return does === "undo" && act.isWrong ? `undo ${pod} wrong` : `${does} ${pod}`;
    });
    assert.deepEqual(told, acts);
    assert.deepEqual(Object.fromEntries(plan.replicas), replicas);
  });
