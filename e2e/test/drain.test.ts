import assert from "node:assert/strict";
import type { TestContext } from "node:test";
import { test } from "node:test";
import type { Part } from "@jichat/testkit/local/part.ts";
import type { Stack } from "@jichat/testkit/local/stack.ts";
import { Crowd } from "../src/crowd.ts";
import { Ledger } from "../src/ledger.ts";
import { metricOf } from "../src/metric.ts";
import { Orders, isReady } from "../src/order.ts";
import { judge, sleep, startStack } from "../src/scene.ts";
import { SwitchBefore } from "../src/switch-before.ts";

const READY_MS = 20_000;
const CROWD = { pairs: 12, groups: 3, groupSize: 12, rate: 1 } as const;
/** Two devices each. */
const DEVICES = 4 * CROWD.pairs;

interface Place {
  readonly stack: Stack;
  readonly crowd: Crowd;
  readonly ledger: Ledger;
  readonly door: SwitchBefore;
}

/** A crowd that has arrived behind one address for all connectors but those in `later`, which do not run yet. */
async function arrive(
  t: TestContext,
  connectors: number,
  env: Readonly<Record<string, string>>,
  later: readonly number[] = [],
): Promise<Place> {
  const stack = await startStack(t, { connectors, env: { connector: env } });
  for (const index of later) await at(stack, index).stop(READY_MS);
  const door = await SwitchBefore.open(stack.connectors);
  const ledger = new Ledger();
  const crowd = new Crowd({ wsUrls: [door.url], secrets: stack.secrets }, ledger, CROWD);
  t.after(() => {
    crowd.leave();
    door.close();
  });
  await sleep(500); // Until the switch has asked who is ready.
  await crowd.arrive();
  return { stack, crowd, ledger, door };
}

function at({ connectors }: Stack, index: number): Part {
  const part = connectors[index];
  assert.ok(part !== undefined);
  return part;
}

/** The most that came in any second. */
const mostInASecond = (times: readonly number[]): number =>
  Math.max(0, ...times.map((from) => times.filter((one) => one >= from && one < from + 1_000).length));

/** Talks while `act` runs, and a while beyond it, and judges what became of it. */
async function during(t: TestContext, place: Place, act: () => Promise<void>): Promise<void> {
  const acting = sleep(3_000).then(act);
  await place.crowd.talkUntil(acting.then(async () => sleep(3_000)));
  await acting;
  const interrupted = place.crowd.devices.filter(({ interruptions }) => interruptions > 0);
  assert.deepEqual(place.door.refusals, [], "nobody is refused");
  assert.equal(interrupted.length, 0, `${interrupted.length} devices were told that they are offline`);
  await judge(t, place);
}

test(
  "the only connector gets SIGTERM, and its successor starts 4 s later: each device moves once, none is refused",
  { timeout: 180_000 },
  async (t) => {
    // Half of the drain would not be enough for a successor that takes long to start.
    const env = { DRAIN_MS: "20000", DRAIN_PER_SECOND: "20", SUCCESSOR_WAIT_MS: "15000" };
    const place = await arrive(t, 2, env, [1]);
    const { stack, door } = place;
    const [old, successor] = [at(stack, 0), at(stack, 1)];
    let tookMs = 0;
    await during(t, place, async () => {
      const began = performance.now();
      door.ends(old);
      const stopped = old.stop(50_000);
      await sleep(4_000);
      assert.equal(await metricOf(old, "jichat_connector_sockets"), DEVICES, "nobody was sent away");
      assert.equal(await metricOf(old, "jichat_connector_drain"), 1);
      assert.equal(await isReady(old), true, "it is asked for as long as there is no other");
      successor.start();
      await stopped;
      tookMs = performance.now() - began;
    });
    assert.equal(door.cameTo(successor).length, DEVICES);
    assert.equal(door.cameTo(old).length, DEVICES, "nobody came back to it");
    const most = mostInASecond(door.cameTo(successor));
    t.diagnostic(`${DEVICES} devices in ${tookMs.toFixed(0)} ms from SIGTERM, at most ${most} in a second`);
    assert.ok(most <= 1.25 * 20, `${most} came in a second`);
  },
);

test(
  "a drain of one connector of three keeps its rate, loses nothing, and each device moves once",
  { timeout: 180_000 },
  async (t) => {
    const place = await arrive(t, 3, { DRAIN_MS: "20000" });
    const { stack, door } = place;
    const victim = at(stack, 0);
    const orders = new Orders(stack);
    const before = stack.connectors.map((part) => door.cameTo(part).length);
    const toldAt: number[] = [];
    await during(t, place, async () => {
      door.route(victim, false);
      const { connections } = await orders.drain(victim, { deadlineSeconds: 30, perSecond: 4 });
      assert.ok(connections >= DEVICES / 4, `${connections}`);
      assert.equal(await isReady(victim), false);
      await sleep(1_000); // It asks Redis for the others.
      let report = await orders.drainOf(victim);
      for (let { told } = report; report.state !== "drained"; report = await orders.drainOf(victim)) {
        assert.equal(report.state, "draining", "the others are there");
        for (; told < report.told; told += 1) toldAt.push(performance.now());
        await sleep(50);
      }
      assert.deepEqual([report.connections, report.told, report.forced], [0, connections, 0]);
    });
    const moved = door.cameTo(at(stack, 1)).length + door.cameTo(at(stack, 2)).length;
    const [wasAtFirst = 0, ...others] = before;
    assert.equal(moved - others.reduce((sum, one) => sum + one, 0), wasAtFirst, "each came once");
    assert.equal(door.cameTo(victim).length, wasAtFirst);
    const arrivals = [1, 2].flatMap((index) => door.cameTo(at(stack, index)).slice(before[index]));
    t.diagnostic(`${wasAtFirst} devices, at most ${mostInASecond(arrivals)} in a second`);
    assert.ok(mostInASecond(toldAt) <= 4 + 1, `${mostInASecond(toldAt)} were told in a second`);
    assert.ok(mostInASecond(arrivals) <= 4 + 1, `${mostInASecond(arrivals)} came in a second`);
  },
);

test(
  "a drain that is undone in its middle leaves who is left, and the connector takes devices again",
  { timeout: 180_000 },
  async (t) => {
    const place = await arrive(t, 2, { DRAIN_MS: "20000" });
    const { stack, door } = place;
    const victim = at(stack, 0);
    const orders = new Orders(stack);
    await during(t, place, async () => {
      door.route(victim, false);
      const { connections } = await orders.drain(victim, { deadlineSeconds: 60, perSecond: 2 });
      // The first ones go alone: it takes a second and a half until the rate is reached.
      await sleep(4_000);
      const { state, told } = await orders.undrain(victim);
      assert.equal(state, "none");
      assert.ok(told >= 4 && told <= 8, `${told} were told in 4 s`);
      assert.equal(await isReady(victim), true);
      door.route(victim, true);
      await sleep(4_000);
      assert.equal(
        await metricOf(victim, "jichat_connector_sockets"),
        connections - told,
        "the others stayed",
      );
      // It counts as a place to go again: what the other one sheds comes here.
      const shed = await orders.shed(at(stack, 1), { connections: told, perSecond: 4 });
      assert.equal(shed.left, told);
      while ((await orders.shedOf(at(stack, 1))).left > 0) await sleep(100);
      await sleep(2_000);
      const after = await orders.shedOf(at(stack, 1));
      assert.deepEqual([after.told, after.forced], [told, 0]);
    });
    assert.equal((await orders.drainOf(victim)).forced, 0);
  },
);
