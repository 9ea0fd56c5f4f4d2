import { before } from "node:test";
import type { Chat } from "../../src/cluster/chat.ts";
import { scenario } from "../../src/cluster/scenario.ts";
import { assertUnnoticed } from "../../src/cluster/scale/bounds.ts";
import { underMost } from "../../src/cluster/scale/stage.ts";
import { PER_SECOND, raiseSpread } from "../../src/cluster/scale/three-nodes.ts";

/** Connectors that come and go under as many devices as the machine bears. */
const SETTLED_MS = 300_000;
const LONG_MS = 1_800_000;
let chat: Chat;

before(async () => {
  chat = await raiseSpread();
});

scenario(
  "scale 1a: connectors 3, 1, 3, 1 by spec, and nobody notices",
  async (t) => {
    const outcome = await underMost(t, chat, {
      name: "connectors-by-spec",
      perSecond: PER_SECOND,
      act: async ({ mark }) => {
        for (const replicas of [1, 3, 1]) {
          mark(`${replicas} connectors`);
          await chat.patch({ connectors: { replicas } });
          t.diagnostic(`${replicas}: settled after ${(await chat.settled(SETTLED_MS)).toFixed(1)} s`);
        }
      },
    });
    assertUnnoticed(outcome, { drains: 4, perSecond: PER_SECOND });
  },
  LONG_MS,
);
