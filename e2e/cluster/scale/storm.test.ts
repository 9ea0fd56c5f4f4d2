import assert from "node:assert/strict";
import { before } from "node:test";
import { until } from "@jichat/testkit/until.ts";
import type { Chat, Pod } from "../../src/cluster/chat.ts";
import { scenario } from "../../src/cluster/scenario.ts";
import { killPod } from "../../src/cluster/node.ts";
import { underMost } from "../../src/cluster/scale/stage.ts";
import { PER_SECOND, raiseSpread } from "../../src/cluster/scale/three-nodes.ts";

const BACK_MS = 20_000;
const LONG_MS = 1_200_000;
const BACKENDS = ["nats", "redis", "clickhouse"] as const;
let chat: Chat;

before(async () => {
  chat = await raiseSpread();
});

/** Restarts of the backends' containers: one that went over its limits was ended by the kernel or its probe. */
async function backendRestarts(): Promise<number> {
  const pods: readonly Pod[] = (await Promise.all(BACKENDS.map(async (kind) => chat.pods(kind)))).flat();
  return pods
    .flatMap(({ status }) => status.containerStatuses ?? [])
    .reduce((sum, { restartCount }) => sum + restartCount, 0);
}

scenario(
  "scale 6: all connectors are killed at once, and all devices are back in under 20 s",
  async (t) => {
    const restarts = await backendRestarts();
    await underMost(t, chat, {
      name: "storm",
      perSecond: PER_SECOND,
      act: async ({ mark, waves }) => {
        const pods = await chat.staying("connector");
        mark("kill -9 of all connectors");
        await Promise.all(pods.map(killPod));
        const killed = performance.now();
        await until(
          "all devices have noticed, and are back",
          2 * BACK_MS,
          () => {
            const back = waves.diary.moves({ from: killed, to: performance.now() });
            return back.size === waves.devices && waves.online === waves.devices;
          },
          100,
        );
        const tookMs = performance.now() - killed;
        t.diagnostic(`all ${waves.devices} were back ${(tookMs / 1_000).toFixed(1)} s after the kill`);
        assert.ok(tookMs < BACK_MS, `${tookMs.toFixed(0)} ms`);
        await chat.settled(BACK_MS);
      },
    });
    assert.equal(await backendRestarts(), restarts, "no backend was restarted");
  },
  LONG_MS,
);
