import assert from "node:assert/strict";
import { after, before } from "node:test";
import { until } from "@jichat/testkit/until.ts";
import type { Chat } from "../../src/cluster/chat.ts";
import { scenario } from "../../src/cluster/scenario.ts";
import { assertUnnoticed } from "../../src/cluster/scale/bounds.ts";
import { underMost } from "../../src/cluster/scale/stage.ts";
import { PER_SECOND, raiseSpread } from "../../src/cluster/scale/three-nodes.ts";

/** Connectors that come and go as devices do. */
const SCALED_MS = 240_000;
const SETTLED_MS = 300_000;
const LONG_MS = 2_400_000;
const STABLE_SECONDS = 20;
const LOOK_MS = 1_000;
/** Of its fair share. Whoever has more than 1.2 of it sheds what is over that. */
const SHARE_MAX = 1.3;
/** A drain for each connector that goes, and a shed for each one that came. */
const MOVES_MAX = 4;
let chat: Chat;

before(async () => {
  chat = await raiseSpread();
});

after(async () => {
  await chat.patch({ connectors: { autoscaling: null } });
});

async function scaledTo(replicas: number): Promise<void> {
  await until(
    `the autoscaler has ${replicas} connectors`,
    SCALED_MS,
    async () => (await chat.staying("connector")).length === replicas,
    LOOK_MS,
  );
  await chat.settled(SETTLED_MS);
}

scenario(
  "scale 1b: connectors 3, 1, 3 by autoscaling as devices go and come, and nobody notices",
  async (t) => {
    const outcome = await underMost(t, chat, {
      name: "connectors-by-load",
      perSecond: PER_SECOND,
      act: async ({ mark, waves, connections }) => {
        const { devices } = waves;
        // For all of them it takes three, and for what one carries it takes one.
        const connectionsPerPod = Math.ceil(devices / 2.5);
        const bounds = { minReplicas: 1, maxReplicas: 3, stabilizationWindowSeconds: STABLE_SECONDS };
        mark("autoscaling");
        await chat.patch({
          connectors: { autoscaling: { mode: "Connections", ...bounds, connectionsPerPod } },
        });
        await scaledTo(3);
        mark("devices go");
        while (waves.devices > connectionsPerPod) await waves.shrink();
        await scaledTo(1);
        mark("devices come");
        while (waves.devices < devices) await waves.grow();
        await scaledTo(3);
        mark("overfull ones shed");
        await until(
          "each connector has its share",
          SCALED_MS,
          () => connections().length === 3 && Math.max(...connections()) <= (SHARE_MAX * devices) / 3,
          LOOK_MS,
        );
      },
    });
    assert.ok(outcome.seconds > STABLE_SECONDS);
    assertUnnoticed(outcome, { drains: MOVES_MAX, perSecond: PER_SECOND });
  },
  LONG_MS,
);
