import assert from "node:assert/strict";
import { before } from "node:test";
import type { Chat } from "../../src/cluster/chat.ts";
import { LAB } from "../../src/cluster/kubectl.ts";
import { scenario } from "../../src/cluster/scenario.ts";
import { assertUnnoticed } from "../../src/cluster/scale/bounds.ts";
import { underMost } from "../../src/cluster/scale/stage.ts";
import { PER_SECOND, raiseSpread } from "../../src/cluster/scale/three-nodes.ts";

/** Another version, and back, under as many devices as the machine bears. Its recording is in docs/results.md. */
const SETTLED_MS = 600_000;
const LONG_MS = 2_400_000;
let chat: Chat;

before(async () => {
  chat = await raiseSpread();
});

scenario(
  "scale 2a: an upgrade to the next version and back, and nobody notices",
  async (t) => {
    const [earlier, later] = LAB.versions;
    const outcome = await underMost(t, chat, {
      name: "upgrade",
      perSecond: PER_SECOND,
      act: async ({ mark }) => {
        for (const version of [later, earlier]) {
          mark(`to ${version}`);
          await chat.patch({ version });
          t.diagnostic(`${version}: settled after ${(await chat.settled(SETTLED_MS)).toFixed(1)} s`);
          assert.equal((await chat.read()).status?.version, version);
        }
      },
    });
    // Each device is moved once in each upgrade: to the newest revision, and never to one that goes next.
    assertUnnoticed(outcome, { drains: 2, perSecond: PER_SECOND });
  },
  LONG_MS,
);
