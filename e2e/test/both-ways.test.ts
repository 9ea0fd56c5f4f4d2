import assert from "node:assert/strict";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { ROOT } from "@jichat/testkit/cache.ts";
import type { EarlierBuild } from "@jichat/testkit/earlier-build.ts";
import { earlierBuild } from "@jichat/testkit/earlier-build.ts";
import type { Part } from "@jichat/testkit/local/part.ts";
import type { Stack } from "@jichat/testkit/local/stack.ts";
import { Crowd } from "../src/crowd.ts";
import { Ledger } from "../src/ledger.ts";
import { metricOf } from "../src/metric.ts";
import { Memory, judge, sleep, startStack } from "../src/scene.ts";
import { SwitchBefore } from "../src/switch-before.ts";

/** Commit 9bcb94ee, at the level of today: the version before. */
const BEFORE = join(ROOT, "e2e/levels/level-2/build.tar.gz");
/** How long people talk on each mixture of versions. */
const MIXED_MS = 2_500;
const CROWD = { pairs: 10, groups: 3, groupSize: 10, rate: 2 } as const;
/** Two devices each. */
const DEVICES = 4 * CROWD.pairs;

let earlier: EarlierBuild;
before(async () => {
  earlier = await earlierBuild(BEFORE);
});
after(() => {
  earlier.remove();
});

/** A cluster whose connectors are behind one address, as behind a Service. */
class Mixture {
  readonly stack: Stack;
  readonly door: SwitchBefore;

  constructor(stack: Stack, door: SwitchBefore) {
    this.stack = stack;
    this.door = door;
  }

  connector(at: number): Part {
    const part = this.stack.connectors[at];
    assert.ok(part !== undefined);
    return part;
  }

  /** The devices on each connector. */
  async devices(): Promise<readonly number[]> {
    return Promise.all(this.stack.connectors.map(async (part) => metricOf(part, "jichat_connector_sockets")));
  }

  /** Sends the devices of connectors elsewhere, and brings the connectors back from another checkout. */
  async move(connectors: readonly number[], root: string): Promise<void> {
    for (const at of connectors) {
      const part = this.connector(at);
      this.door.ends(part);
      await this.stack.replace(part, root);
      this.door.route(part, true);
      const devices = await this.devices();
      const others = devices.reduce((sum, count, i) => sum + (i === at ? 0 : count), 0);
      assert.equal(others, DEVICES, `connector ${at + 1} left, and ${devices.join(", ")} are on each`);
    }
  }

  async replace(parts: readonly Part[], root: string): Promise<void> {
    for (const part of parts) await this.stack.replace(part, root);
  }
}

/** Every component meets every other one of the other version, while it goes forth and back. */
async function bothWays(mixture: Mixture): Promise<void> {
  const { stack } = mixture;
  const { routers, storage, api } = stack;
  const [router] = routers;
  assert.ok(router !== undefined);
  await sleep(MIXED_MS); // People on both talk with each other.
  await mixture.move([0, 1], ROOT);
  await sleep(MIXED_MS); // Connectors of today, and all else of before.
  await mixture.replace([router, storage], ROOT);
  await sleep(MIXED_MS); // Routers of both, which hand partitions to each other.
  await mixture.move([0, 1, 2], earlier.root);
  await mixture.replace(routers.slice(1), ROOT);
  await sleep(MIXED_MS); // Connectors and the api of before, and routers and storage of today.
  await mixture.replace([api], ROOT);
  await mixture.replace([router, storage], earlier.root);
  await sleep(MIXED_MS); // A rollback in the middle, with the api ahead.
  await mixture.move([2], ROOT);
  await mixture.replace([...routers, storage], earlier.root);
  await mixture.replace([api], earlier.root);
  await sleep(MIXED_MS); // All of it but one connector is rolled back.
}

test(
  "devices move between connectors of this version and of the one before, both ways, and nobody notices",
  { timeout: 240_000 },
  async (t) => {
    const env = { connector: { DRAIN_MS: "10000", DRAIN_PER_SECOND: "60" } };
    const stack = await startStack(t, { connectors: 3, root: earlier.root, env });
    await stack.replace(stack.connectors[2] ?? assert.fail(), ROOT);
    const door = await SwitchBefore.open(stack.connectors);
    const ledger = new Ledger();
    const crowd = new Crowd({ wsUrls: [door.url], secrets: stack.secrets }, ledger, CROWD);
    t.after(() => {
      crowd.leave();
      door.close();
    });
    await sleep(500); // Until the switch has asked who is ready.
    await crowd.arrive();
    const mixture = new Mixture(stack, door);
    const first = await mixture.devices();
    assert.ok(
      first.every((count) => count > 0),
      `people are on both versions: ${first.join(", ")}`,
    );
    const memory = new Memory(stack);
    const acting = bothWays(mixture);
    await crowd.talkUntil(acting);
    await acting;
    assert.deepEqual(door.refusals, [], "nobody is refused");
    const interrupted = crowd.devices.filter(({ interruptions }) => interruptions > 0);
    assert.equal(interrupted.length, 0, `${interrupted.length} devices were told that they are offline`);
    await judge(t, { stack, crowd, ledger }, memory);
  },
);
