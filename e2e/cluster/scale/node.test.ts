import assert from "node:assert/strict";
import { before } from "node:test";
import { until } from "@jichat/testkit/until.ts";
import type { Chat } from "../../src/cluster/chat.ts";
import { kubectl } from "../../src/cluster/kubectl.ts";
import { killPod } from "../../src/cluster/node.ts";
import { leader } from "../../src/cluster/release.ts";
import { scenario } from "../../src/cluster/scenario.ts";
import { killNode } from "../../src/cluster/scale/node-container.ts";
import { underMost } from "../../src/cluster/scale/stage.ts";
import { PER_SECOND, firstNode, raiseSpread } from "../../src/cluster/scale/three-nodes.ts";

const BACK_MS = 30_000;
const READY_MS = 180_000;
const SETTLED_MS = 300_000;
const LONG_MS = 2_400_000;
/** A send that takes longer had to wait for what was lost. */
const SLOW_MS = 1_500;
const ON_IT = ["connector", "router", "nats"] as const;
const ONLY_ONE = ["redis", "clickhouse"] as const;
let chat: Chat;

before(async () => {
  chat = await raiseSpread();
});

/** A node other than the first with the leading operator on it: the other one leads where it is there. */
async function leadersNode(): Promise<string> {
  const first = await firstNode();
  return until("an operator leads on another node than the first", 180_000, async () => {
    const pod = await leader();
    if (pod.spec.nodeName !== first) return pod.spec.nodeName;
    await killPod(pod);
    return undefined;
  });
}

scenario(
  "scale 4: a node dies with a connector, a router, NATS and the leading operator on it",
  async (t) => {
    const node = await leadersNode();
    const isThere = async (kind: string): Promise<boolean> =>
      (await chat.staying(kind)).some(({ spec }) => spec.nodeName === node);
    for (const kind of ON_IT) assert.ok(await isThere(kind), `a ${kind} is on ${node}`);
    for (const kind of ONLY_ONE)
      assert.ok(!(await isThere(kind)), `${kind} is on ${node}, and is lost with it`);
    await underMost(t, chat, {
      name: "node-dies",
      perSecond: PER_SECOND,
      act: async ({ mark, waves }) => {
        mark(`${node} dies`);
        const dead = await killNode(node);
        const killed = performance.now();
        const since = (): number => (performance.now() - killed) / 1_000;
        try {
          await kubectl(["wait", "--for=condition=Ready=Unknown", `node/${node}`, "--timeout=120s"]);
          t.diagnostic(`its death is known after ${since().toFixed(0)} s`);
          await chat.until("Ready", "True", READY_MS - (performance.now() - killed));
          t.diagnostic(`Ready ${since().toFixed(0)} s after its death`);
          // A device without a connection sends nothing that is acked, so each is asked whether it has one.
          assert.equal(waves.online, waves.devices, "all devices are connected");
          const span = { from: killed, to: performance.now() };
          const backMs = (waves.diary.lastSlow(SLOW_MS, span) ?? killed) - killed;
          t.diagnostic(`the last slow send was acked ${(backMs / 1_000).toFixed(1)} s after its death`);
          assert.ok(backMs < BACK_MS, `sends were slow for ${backMs.toFixed(0)} ms`);
        } finally {
          mark(`${node} comes back`);
          await dead.back();
        }
        t.diagnostic(`settled ${(await chat.settled(SETTLED_MS)).toFixed(0)} s after it came back`);
      },
    });
  },
  LONG_MS,
);
