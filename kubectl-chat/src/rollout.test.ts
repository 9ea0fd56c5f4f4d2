import assert from "node:assert/strict";
import { test } from "node:test";
import { report } from "./report.ts";
import type { RolloutTold } from "./rollout.ts";
import { promote, rollback, rolloutLines } from "./rollout.ts";

const ROLLOUT: RolloutTold = {
  phase: "Connectors",
  from: { version: "1.0.0", revision: "aaaa" },
  to: { version: "1.1.0", revision: "bbbb" },
  startedAt: "2026-03-03T00:00:00.000Z",
  phaseSince: "2026-03-03T00:01:00.000Z",
  blockedBy: [],
  message: "1 of 3 new connectors are ready, 3 old ones are left",
};
const FAILED = {
  version: "1.1.0",
  revision: "bbbb",
  reason: "canary failed: it is slow",
  at: "2026-03-03T00:02:00.000Z",
};

const asked = (rollout: Partial<RolloutTold> | undefined) => {
  const calls: string[] = [];
  return {
    calls,
    name: "chat",
    kubectl: {
      read: async <T>() =>
        (rollout === undefined ? {} : { status: { rollout: { ...ROLLOUT, ...rollout } } }) as T,
      ask: async (args: readonly string[]) => {
        calls.push(args.join(" "));
        return "";
      },
    },
  };
};

test("status says where a rollout stands, what blocks it, and why one was taken back", () => {
  const blockedBy = [{ gate: "StorageLag", message: "storage-0 does not report its metrics" }];
  assert.deepEqual(rolloutLines("chat", { ...ROLLOUT, blockedBy }), [
    "Rollout of 1.0.0 (aaaa) to 1.1.0 (bbbb), since 2026-03-03T00:00:00.000Z: Connectors: moves devices to new connectors, since 2026-03-03T00:01:00.000Z: 1 of 3 new connectors are ready, 3 old ones are left",
    "  blocked by StorageLag: storage-0 does not report its metrics",
  ]);
  const back = rolloutLines("chat", { ...ROLLOUT, phase: "RolledBack", failed: FAILED }).join("\n");
  assert.match(back, /RolledBack: was taken back, since/);
  assert.match(back, /\n  1\.1\.0 \(bbbb\) failed at 2026-03-03T00:02:00\.000Z: canary failed: it is slow\n/);
  assert.match(back, /once the spec changes, or by `kubectl chat promote chat`$/);
  assert.deepEqual(rolloutLines("chat", undefined), []);
  assert.deepEqual(rolloutLines("chat", { ...ROLLOUT, phase: "Done" }), []);
  const text = report({
    name: "chat",
    namespace: "people",
    spec: {},
    status: { rollout: ROLLOUT },
    pods: [],
  });
  assert.match(text, /^Rollout of 1\.0\.0 \(aaaa\)/m);
});

test("promote names the revision that the status shows, and nothing else", async () => {
  for (const [phase, says] of [
    ["Waiting", /goes on as soon as its canary is proven/],
    ["Canary", /goes on as soon/],
    ["RolledBack", /is tried again, from its canary on/],
  ] as const) {
    const one = asked({ phase, ...(phase === "RolledBack" ? { failed: FAILED } : {}) });
    assert.match(await promote(one), says);
    assert.deepEqual(one.calls, ["annotate chat chat chat.jichat.io/promote=bbbb --overwrite"]);
  }
});

test("rollback names the revision that the status shows", async () => {
  const one = asked({});
  assert.match(await rollback(one), /^1\.1\.0 \(bbbb\) is taken back, and 1\.0\.0 \(aaaa\) serves again/);
  assert.deepEqual(one.calls, ["annotate chat chat chat.jichat.io/rollback=bbbb --overwrite"]);
});

test("where there is nothing to promote or to roll back, that is said, and nothing is written", async () => {
  const refused: readonly (readonly [typeof promote, Partial<RolloutTold> | undefined, RegExp])[] = [
    [promote, undefined, /nothing to promote in chat: no rollout is under way/],
    [promote, { phase: "Done" }, /no rollout is under way/],
    [promote, { phase: "RollingBack" }, /1\.1\.0 \(bbbb\) is being taken back/],
    [promote, { phase: "Connectors" }, /goes on already, and is in phase Connectors/],
    [promote, { phase: "Waiting", isPromoted: true }, /goes on already/],
    [rollback, undefined, /nothing to roll back in chat.*put the spec back/],
    [rollback, { phase: "Done" }, /put the spec back/],
    [rollback, { phase: "RollingBack" }, /1\.1\.0 \(bbbb\) is being taken back/],
    [rollback, { phase: "RolledBack" }, /1\.1\.0 \(bbbb\) was taken back/],
  ];
  for (const [command, rollout, says] of refused) {
    const one = asked(rollout);
    await assert.rejects(command(one), says);
    assert.deepEqual(one.calls, []);
  }
});
