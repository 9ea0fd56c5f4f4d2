import assert from "node:assert/strict";
import { test } from "node:test";
import { until } from "@jichat/testkit/until.ts";
import { PushScene, WITNESS } from "../src/push/push-scene.ts";
import { sleep } from "../src/scene.ts";

/** `PUSH_DOWN_SECONDS=120` for a short run. */
const { PUSH_DOWN_SECONDS = "3600" } = process.env;
const DOWN_MS = Number(PUSH_DOWN_SECONDS) * 1_000;
const PEOPLE = 20;
const PACE_MS = 1_000;
/** A circuit is open for a minute at most, and what waits is sent at 200 a second. */
const SENT_WITHIN_MS = 120_000;
const FLOOD = { workers: 2, perSecond: 200 };
const byName = ([a]: readonly [string, unknown], [b]: readonly [string, unknown]): number => (a < b ? -1 : 1);
/** Each worker tries ten times before its circuit opens, then once in 15 s or less often. */
const attemptsIn = (ms: number): number => FLOOD.workers * (10 + 10 + ms / 15_000);

test(
  `a provider that is down for ${PUSH_DOWN_SECONDS} s: nothing is lost, and nobody is flooded afterwards`,
  { timeout: DOWN_MS + 300_000 },
  async (t) => {
    const scene = await PushScene.start(t, { routers: 1, connectors: 1 });
    const { faults, received } = scene.receiver;
    const ann = await scene.live("ann", "laptop", true);
    const people = [...Array.from({ length: PEOPLE - 1 }, (_, i) => `away${i}`), WITNESS];
    for (const user of people) await scene.webhook(user, "phone");
    const { conversation: all } = await ann.createGroup("all", people);
    const first = await ann.send({ conversation: all }, { text: "before" });
    await scene.settled(all, first.seq);
    assert.equal(received.length, PEOPLE);

    /** The last seq and the number of unread messages, by user and conversation. */
    const missed = new Map(people.map((user) => [`${user} ${all}`, { seq: first.seq, count: 1 }]));
    const say = async (at: number): Promise<void> => {
      const user = people[at % PEOPLE] ?? WITNESS;
      const isToAll = at % 3 === 0;
      const { conversation, seq } = await ann.send(isToAll ? { conversation: all } : { to: user }, {
        text: "m",
      });
      for (const one of isToAll ? people : [user]) {
        const place = `${one} ${conversation}`;
        missed.set(place, { seq, count: (missed.get(place)?.count ?? 0) + 1 });
      }
    };
    const [worker] = scene.stack.pushWorkers;
    const began = performance.now();
    const passed = (): number => performance.now() - began;
    faults.always({ is: "reset" });
    let said = 0;
    for (; passed() < DOWN_MS / 2; said += 1) {
      await say(said);
      await sleep(PACE_MS);
    }
    await worker?.kill();
    worker?.start();
    faults.always({ is: "answer", status: 503 });
    const metBefore = faults.met;
    for (; passed() < DOWN_MS; said += 1) {
      await say(said);
      await sleep(PACE_MS);
    }
    const attempts = faults.met - metBefore;
    assert.ok(attempts <= attemptsIn(DOWN_MS / 2), `${attempts} attempts at a provider that is down`);
    assert.equal(received.length, PEOPLE, "nothing came meanwhile");

    const up = Date.now();
    faults.always(undefined);
    await until("nothing waits to be pushed", SENT_WITHIN_MS, async () => (await scene.waiting()) === 0);
    const after = received.slice(PEOPLE);
    t.diagnostic(
      `${said} messages; ${after.length} pushes within ${Date.now() - up} ms; ${attempts} attempts`,
    );
    const told = new Map(
      after.map(({ data }) => [
        `${String(data["user"])} ${String(data["conversation"])}`,
        { seq: data["seq"], count: data["count"] },
      ]),
    );
    assert.equal(told.size, after.length, "one push for each conversation");
    assert.deepEqual(
      new Map([...told].toSorted(byName)),
      new Map([...missed].toSorted(byName)),
      "which says how many are unread",
    );
    assert.deepEqual(scene.receiver.repeated, []);
    const bySecond = Map.groupBy(after, ({ timestamp }) => timestamp.slice(0, 19));
    for (const [second, pushes] of bySecond)
      assert.ok(pushes.length <= FLOOD.workers * FLOOD.perSecond, `${pushes.length} at ${second}`);
  },
);
