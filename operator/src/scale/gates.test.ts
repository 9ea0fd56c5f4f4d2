import assert from "node:assert/strict";
import { test } from "node:test";
import type { Did, GateFacts } from "./gates.ts";
import { GATES, blockedBy } from "./gates.ts";

const QUIET: Did = { seconds: 30, hellos: 0, welcomes: 0, moved: 0, frames: 0, errors: 0 };
const OPEN: GateFacts = {
  newPods: { wanted: 2, ready: 2 },
  perSecond: 50,
  fresh: { ...QUIET, hellos: 1_000, welcomes: 1_000, frames: 5_000 },
  old: { ...QUIET, hellos: 100, welcomes: 100, frames: 5_000, moved: 1_500 },
  storage: { unwrittenSeconds: 1, tailBytes: 1_000, unheard: 0 },
  otherDrains: [],
};
const fresh = (did: Partial<Did>): Partial<GateFacts> => ({ fresh: { ...QUIET, ...did } });
const old = (did: Partial<Did>): Partial<GateFacts> => ({ old: { ...QUIET, ...did } });
const unknown = (what: "fresh" | "old" | "storage"): Partial<GateFacts> => ({
  [what]: { unknown: "pod-1 does not report its metrics" },
});
const storage = (seen: object): Partial<GateFacts> => ({
  storage: { unwrittenSeconds: 0, tailBytes: 0, unheard: 0, ...seen },
});

/** Each with the gates that it closes, and a word of what they say. */
const CASES: readonly (readonly [string, Partial<GateFacts>, Readonly<Record<string, RegExp>>])[] = [
  ["all is well", {}, {}],
  ["a pod is missing", { newPods: { wanted: 2, ready: 1 } }, { NewPodsReady: /1 of 2 new connectors/ }],
  ["the step needs none yet", { newPods: { wanted: 0, ready: 0 } }, {}],
  ["as few are welcomed as is allowed", fresh({ hellos: 100, welcomes: 90 }), {}],
  ["one fewer is", fresh({ hellos: 100, welcomes: 89 }), { ReconnectSuccess: /89 % were.*at least 90 %/ }],
  ["nobody is", fresh({ hellos: 20, welcomes: 0 }), { ReconnectSuccess: /0 % were welcomed/ }],
  ["too few came to tell", fresh({ hellos: 19, welcomes: 0 }), {}],
  ["a version that does not count welcomes", fresh({ hellos: 100, welcomes: undefined }), {}],
  [
    "as many fail on old connectors",
    { ...fresh({ hellos: 100, welcomes: 60 }), ...old({ hellos: 100, welcomes: 65 }) },
    {},
  ],
  [
    "more fail than on old connectors",
    { ...fresh({ hellos: 100, welcomes: 59 }), ...old({ hellos: 100, welcomes: 65 }) },
    { ReconnectSuccess: /59 %.*at least 60 %/ },
  ],
  ["devices go as fast as is allowed", old({ moved: 1_800 }), {}],
  ["faster than that", old({ moved: 1_831 }), { ReconnectRate: /61 devices a second.*is 50/ }],
  [
    "old and new together are faster",
    { ...old({ moved: 1_000 }), ...fresh({ moved: 1_000 }) },
    { ReconnectRate: /67 devices a second/ },
  ],
  ["as many errors as is allowed", fresh({ frames: 1_000, errors: 10 }), {}],
  ["more errors", fresh({ frames: 1_000, errors: 20 }), { ErrorRate: /2 % of frames.*others/ }],
  [
    "more errors, and no old connector to compare with",
    { ...fresh({ frames: 1_000, errors: 20 }), old: QUIET },
    { ErrorRate: /2 % of frames.*1 % are allowed/ },
  ],
  ["errors by chance", fresh({ frames: 20, errors: 4 }), {}],
  ["one more is no chance", fresh({ frames: 20, errors: 5 }), { ErrorRate: /25 % of frames/ }],
  ["too few frames to tell", fresh({ frames: 19, errors: 19 }), {}],
  [
    "errors as on old connectors",
    { ...fresh({ frames: 1_000, errors: 60 }), ...old({ frames: 1_000, errors: 30 }) },
    {},
  ],
  [
    "errors everywhere: it is not the new ones' fault, and no time to move devices",
    { ...fresh({ frames: 1_000, errors: 90 }), ...old({ frames: 1_000, errors: 101 }) },
    { ErrorRate: /10 % of frames.*no devices are moved/ },
  ],
  ["ClickHouse is slow for a moment", storage({ unwrittenSeconds: 10 }), {}],
  ["ClickHouse takes nothing", storage({ unwrittenSeconds: 11 }), { StorageLag: /more than 10 s/ }],
  ["much is not written", storage({ tailBytes: 67_108_865 }), { StorageLag: /64 MiB/ }],
  ["a log is not heard", storage({ unheard: 2 }), { StorageLag: /2 of its logs/ }],
  ["somebody asked for a drain", { otherDrains: ["a (Asked)"] }, { NoOtherDrain: /: a \(Asked\)$/ }],
  ["many leave", { otherDrains: ["a", "b", "c", "d", "e"] }, { NoOtherDrain: /a, b, c and 2 more$/ }],
  [
    "new connectors do not say",
    unknown("fresh"),
    { ReconnectSuccess: /pod-1/, ReconnectRate: /pod-1/, ErrorRate: /pod-1/ },
  ],
  ["old connectors do not say", unknown("old"), { ReconnectRate: /pod-1/, ErrorRate: /pod-1/ }],
  ["storage does not say", unknown("storage"), { StorageLag: /pod-1/ }],
];

for (const [name, but, closed] of CASES)
  test(`gates: ${name}`, () => {
    const blocked = blockedBy({ ...OPEN, ...but });
    assert.deepEqual(
      blocked.map(({ gate }) => gate),
      Object.keys(closed),
    );
    for (const { gate, message } of blocked) assert.match(message, closed[gate] ?? assert.fail(gate));
  });

test("each gate is closed by some case, and told in one order", () => {
  const closed = new Set(CASES.flatMap(([, , gates]) => Object.keys(gates)));
  assert.deepEqual([...closed].sort(), [...GATES].sort());
});
