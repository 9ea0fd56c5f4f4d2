import { before } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import type { Chat } from "../../src/cluster/chat.ts";
import { LAB } from "../../src/cluster/kubectl.ts";
import { scenario } from "../../src/cluster/scenario.ts";
import { killPod } from "../../src/cluster/node.ts";
import { leader } from "../../src/cluster/release.ts";
import { assertUnnoticed } from "../../src/cluster/scale/bounds.ts";
import { underMost } from "../../src/cluster/scale/stage.ts";
import { PER_SECOND, raiseSpread } from "../../src/cluster/scale/three-nodes.ts";

/** A killed container comes back later each time, up to five minutes. The other operator leads meanwhile. */
const SETTLED_MS = 600_000;
const LONG_MS = 3_600_000;
/** Within these seconds a change begins, pods come, devices move, pods go. */
const LATEST_MS = 30_000;
let chat: Chat;

interface Change {
  readonly what: string;
  readonly patch: object;
  /** How often a device may reconnect by it. */
  readonly drains: number;
}

const [EARLIER, LATER] = LAB.versions;
const round: readonly Change[] = [
  { what: "1 connector", patch: { connectors: { replicas: 1 } }, drains: 2 },
  { what: `to ${LATER}`, patch: { version: LATER }, drains: 1 },
  { what: "3 connectors", patch: { connectors: { replicas: 3 } }, drains: 1 },
  { what: `to ${EARLIER}`, patch: { version: EARLIER }, drains: 1 },
  { what: "2 connectors", patch: { connectors: { replicas: 2 } }, drains: 1 },
];
/** The operator is killed in each of them. */
const CHANGES = [...round, ...round];

before(async () => {
  chat = await raiseSpread();
});

scenario(
  "scale 3: kill -9 of the operator at ten random moments of changes, and nobody notices",
  async (t) => {
    const outcome = await underMost(t, chat, {
      name: "operator-killed",
      perSecond: PER_SECOND,
      act: async ({ mark }) => {
        for (const { what, patch } of CHANGES) {
          const laterMs = Math.random() * LATEST_MS;
          mark(what);
          await chat.patch(patch);
          await sleep(laterMs);
          mark("kill -9");
          await killPod(await leader());
          const seconds = await chat.settled(SETTLED_MS);
          t.diagnostic(
            `${what}: killed ${(laterMs / 1_000).toFixed(1)} s later, settled ${seconds.toFixed(1)} s after that`,
          );
        }
      },
    });
    const drains = CHANGES.reduce((sum, one) => sum + one.drains, 0);
    assertUnnoticed(outcome, { drains, perSecond: PER_SECOND });
  },
  LONG_MS,
);
