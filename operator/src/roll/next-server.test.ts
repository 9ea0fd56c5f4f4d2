import assert from "node:assert/strict";
import { test } from "node:test";
import type { Roll, RollKnown, ServerPod, ServersTold } from "./next-server.ts";
import { nextServer } from "./next-server.ts";

const pod = (at: number, but: Partial<ServerPod> = {}): ServerPod => ({
  name: `chat-nats-${at}`,
  isOld: true,
  isReady: true,
  isEnding: false,
  mayRun: true,
  ...but,
});
const NEW = { isOld: false };
const NAMES = [0, 1, 2].map((at) => `chat-nats-${at}`);
const LEVEL: ServersTold = { servers: NAMES, metaLeader: "chat-nats-2", behind: [] };
const step = (pods: readonly ServerPod[], but: Partial<RollKnown> = {}, isSeen = true): Roll =>
  nextServer({ wanted: 3, isSeen, pods }, { told: LEVEL, heldMs: undefined, ...but });
const told = (roll: Roll): string =>
  roll.does === "nothing" ? "nothing" : roll.does === "waits" ? `waits: ${roll.why}` : `restarts ${roll.pod}`;

const OLD = [pod(0), pod(1), pod(2)];
const CASES: readonly (readonly [string, string, Roll])[] = [
  ["nothing is old", "nothing", step([pod(0, NEW), pod(1, NEW), pod(2, NEW)])],
  ["the highest that does not lead the group of servers", "restarts chat-nats-1", step(OLD)],
  ["the next of these", "restarts chat-nats-0", step([pod(0), pod(1, NEW), pod(2)])],
  ["the leader of the group last", "restarts chat-nats-2", step([pod(0, NEW), pod(1, NEW), pod(2)])],
  [
    "a group without a leader is behind",
    "waits: the group of all servers has no leader",
    step(OLD, {
      told: { ...LEVEL, metaLeader: undefined, behind: ["the group of all servers has no leader"] },
    }),
  ],
  [
    "a stream that is behind",
    "waits: LOG-3 is behind on chat-nats-0",
    step(OLD, { told: { ...LEVEL, behind: ["LOG-3 is behind on chat-nats-0"] } }),
  ],
  [
    "many streams are told in short",
    "waits: a, b, c and 2 more",
    step(OLD, { told: { ...LEVEL, behind: ["a", "b", "c", "d", "e"] } }),
  ],
  [
    "a server that is ready and not in the cluster",
    "waits: chat-nats-0 does not answer in the cluster",
    step(OLD, { told: { ...LEVEL, servers: NAMES.slice(1) } }),
  ],
  ["no answer yet", "waits: NATS is asked whether every stream is level", step(OLD, { told: undefined })],
  [
    "the one that restarted is not ready",
    "waits: chat-nats-1 is not ready",
    step([pod(0), pod(1, { ...NEW, isReady: false }), pod(2)]),
  ],
  [
    "one that should stay is not ready, which may be of a quorum",
    "waits: chat-nats-0 is not ready",
    step([pod(0, { isReady: false }), pod(1), pod(2)]),
  ],
  [
    "one is ending, ready or not",
    "waits: chat-nats-1 is ending",
    step([pod(0), pod(1, { isEnding: true }), pod(2)]),
  ],
  ["one is not made again yet", "waits: 2 of 3 nats-servers exist", step([pod(0), pod(2)])],
  [
    "an old one that never ran goes before all else",
    "restarts chat-nats-0",
    step([pod(0, { isReady: false, mayRun: false }), pod(1), pod(2)], { told: undefined }),
  ],
  [
    "even an old one that does not run waits for one that ends",
    "waits: chat-nats-2 is ending",
    step([pod(0, { isReady: false, mayRun: false }), pod(1), pod(2, { isEnding: true })]),
  ],
  ["a log that is lost", "waits: NATS is to be put right first: LogLost", step(OLD, { fault: "LogLost" })],
  [
    "Kubernetes has not said what is old",
    "waits: Kubernetes has not seen the change of the nats-servers yet",
    step([pod(0, NEW), pod(1, NEW), pod(2, NEW)], { heldMs: 1 }, false),
  ],
  [
    "servers that are made for the first time are no roll",
    "nothing",
    step([pod(0, NEW), pod(1, { ...NEW, isReady: false }), pod(2, NEW)], {}, false),
  ],
  [
    "the last one of a roll is waited for",
    "waits: chat-nats-2 is not ready",
    step([pod(0, NEW), pod(1, NEW), pod(2, { ...NEW, isReady: false })], { heldMs: 1 }),
  ],
  ["and then the roll is over", "nothing", step([pod(0, NEW), pod(1, NEW), pod(2, NEW)], { heldMs: 1 })],
  [
    "a server that fails while none is rolled is of no concern here",
    "nothing",
    step([pod(0, NEW), pod(1, NEW), pod(2, { ...NEW, isReady: false })]),
  ],
];
for (const [what, wanted, roll] of CASES)
  test(`the next nats-server: ${what}`, () => {
    assert.equal(told(roll), wanted);
  });

test("no server is wanted: nothing is rolled", () => {
  const none = nextServer({ wanted: 0, isSeen: false, pods: OLD }, { told: LEVEL, heldMs: undefined });
  assert.equal(told(none), "nothing");
});

test("NATS is asked only when its answer can lead to a restart", () => {
  const asks = (roll: Roll): boolean => roll.does === "waits" && roll.asks;
  assert.ok(asks(step(OLD, { told: undefined })));
  assert.ok(asks(step(OLD, { told: { ...LEVEL, behind: ["x"] } })));
  assert.ok(!asks(step([pod(0), pod(1, { isReady: false }), pod(2)], { told: undefined })));
});

/**
 * All ways in which three servers may be, with every answer: never a restart that leaves fewer than two level
 * servers that run.
 */
test("of all states, none restarts a server while another one is missing, ends, or is behind", () => {
  const flags = [true, false];
  const kinds = flags.flatMap((isOld) =>
    flags.flatMap((isReady) =>
      flags.flatMap((isEnding) => flags.map((mayRun) => ({ isOld, isReady, isEnding, mayRun }))),
    ),
  );
  const answers = [undefined, LEVEL, { ...LEVEL, behind: ["x"] }, { ...LEVEL, servers: NAMES.slice(0, 2) }];
  let restarts = 0;
  for (const a of kinds)
    for (const b of kinds)
      for (const c of kinds)
        for (const answer of answers) {
          const pods = [pod(0, a), pod(1, b), pod(2, c)];
          const roll = step(pods, { told: answer });
          if (roll.does !== "restarts") continue;
          restarts += 1;
          const gone = pods.find(({ name }) => name === roll.pod);
          assert.ok(gone?.isOld, "only an old one restarts");
          assert.ok(pods.every(({ isEnding }) => !isEnding));
          if (!gone.mayRun) continue;
          assert.ok(pods.every(({ isReady }) => isReady));
          assert.equal(answer, LEVEL);
        }
  assert.ok(restarts > 100);
});
