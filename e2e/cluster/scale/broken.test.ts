import assert from "node:assert/strict";
import type { TestContext } from "node:test";
import { before } from "node:test";
import { until } from "@jichat/testkit/until.ts";
import { brokenVersion } from "../../src/cluster/broken-images.ts";
import type { Chat, Rollout } from "../../src/cluster/chat.ts";
import { LAB } from "../../src/cluster/kubectl.ts";
import { underLoad } from "../../src/cluster/load.ts";
import { scenario } from "../../src/cluster/scenario.ts";
import { raiseSpread } from "../../src/cluster/scale/three-nodes.ts";

/** Versions that must not reach anybody: each stops at the canary, is taken back, and it is said why. */
const SETTLED_MS = 300_000;
/** A canary that does not come is given up after its progress deadline. */
const GIVEN_UP_MS = 900_000;
const LOOK_MS = 1_000;
const TALKERS = { pairs: 20, groups: 2, groupSize: 10, rate: 0.5 };
let chat: Chat;

before(async () => {
  chat = await raiseSpread();
});

/** Resolves with the rollout once this version has been taken back; each look is told the pods beside it. */
async function takenBack(version: string): Promise<Rollout> {
  const old = new Set((await chat.uids(["connector"]))["connector"]);
  let last = "";
  try {
    return await until(
      `${version} is taken back`,
      GIVEN_UP_MS,
      async () => {
        const { status } = await chat.read();
        last = JSON.stringify(status?.rollout);
        const now = (await chat.uids(["connector"]))["connector"] ?? [];
        const kept = now.filter((uid) => old.has(uid)).length;
        assert.equal(kept, old.size, "no connector of the good version goes");
        assert.ok(
          now.length - kept <= 1,
          `${now.length - kept} pods of the broken version, and one is a canary`,
        );
        return status?.rollout?.phase === "RolledBack" && status.rollout.failed?.version === version
          ? status.rollout
          : undefined;
      },
      LOOK_MS,
    );
  } catch (error) {
    throw new Error(`${String(error)}; last seen ${last}`, { cause: error });
  }
}

async function staysOut(t: TestContext, version: string, says: RegExp): Promise<void> {
  const { interruptions } = await underLoad(
    t,
    chat,
    async () => {
      await chat.patch({ version });
      const { failed } = await takenBack(version);
      t.diagnostic(failed?.reason ?? "");
      assert.match(failed?.reason ?? "", says);
      await chat.patch({ version: LAB.versions[0] });
      await chat.settled(SETTLED_MS);
    },
    TALKERS,
  );
  assert.equal(interruptions, 0, "nobody noticed");
}

for (const [version, says] of [
  ["0.1.2-nowhere", /pull|image/i],
  [brokenVersion("crashes"), /container has ended|connect fails/],
  [brokenVersion("loses"), /receiv|deliver|arriv|heard|canary/i],
  [brokenVersion("slow"), /it is slow|nothing was received within/],
] as const)
  scenario(
    `scale 2b: ${version} stops at the canary and is taken back`,
    async (t) => staysOut(t, version, says),
    GIVEN_UP_MS + SETTLED_MS,
  );
