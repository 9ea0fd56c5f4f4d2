import assert from "node:assert/strict";
import { test } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import { HandClock } from "@jichat/protocol/hand-clock.ts";
import type { Told } from "./talk.ts";
import type { Edge } from "./talk-watch.ts";
import { AGAIN_MS, AT_ONCE, EVERY_MS, SOON_MS, STALE_MS, TalkWatch } from "./talk-watch.ts";
import type { Way } from "./way.ts";

const OK: Told = { outcome: "ok", why: "", ms: 1, nextPartition: 0 };
const bad = (why: string): Told => ({ ...OK, outcome: "receive", why });
const key = (text: string): Way["credentials"] => [{ clusterKey: text }];
const edge = (print = "a", credentials = key("k1"), isSettled = true): Edge => ({
  way: { url: "ws://x", trust: [], credentials, partitions: 4 },
  print,
  isSettled,
});

/** A watch over a clock that stands where it is put, and talks that come to what they are told to. */
function staged() {
  const clock = new HandClock();
  const stage = {
    told: OK,
    talks: 0,
    news: 0,
    ways: [] as Way[],
    from: [] as number[],
    open: [] as (() => void)[],
  };
  const watch = new TalkWatch({
    clock,
    talk: async (way, from) => {
      stage.talks += 1;
      stage.ways.push(way);
      stage.from.push(from);
      await new Promise<void>((resolve) => {
        stage.open.push(resolve);
      });
      return stage.told;
    },
    onNews: () => {
      stage.news += 1;
    },
    onTold: () => undefined,
  });
  const settle = async (): Promise<void> => {
    for (let turns = 0; turns < 8; turns += 1) await turn();
  };
  /** Lets the talks that are under way come to `told`. */
  const ends = async (told: Told): Promise<void> => {
    await settle();
    stage.told = told;
    for (const end of stage.open.splice(0)) end();
    await settle();
  };
  const pass = async (ms: number): Promise<void> => {
    await clock.pass(ms);
    await settle();
  };
  return { clock, stage, watch, ends, pass };
}

test("the operator talks at once, then every 45 s, and every 10 s while talks fail", async () => {
  const { stage, watch, ends, pass } = staged();
  watch.look("c", edge());
  await ends(OK);
  assert.equal(stage.talks, 1);
  await pass(EVERY_MS - 1);
  assert.equal(stage.talks, 1);
  await pass(1);
  assert.equal(stage.talks, 2);
  await ends(bad("x"));
  await pass(AGAIN_MS);
  assert.equal(stage.talks, 3);
  await ends(bad("x"));
  await pass(AGAIN_MS);
  assert.equal(stage.talks, 4);
  await ends(OK);
  await pass(AGAIN_MS);
  assert.equal(stage.talks, 4);
  watch.stop();
});

test("the first talk, the second failure, another reason and a recovery each start a pass", async () => {
  const { stage, watch, ends, pass } = staged();
  watch.look("c", edge());
  const steps: [Told, number, number][] = [
    [OK, EVERY_MS, 1],
    [OK, EVERY_MS, 1],
    [bad("x"), AGAIN_MS, 1],
    [bad("x"), AGAIN_MS, 2],
    [bad("x"), AGAIN_MS, 2],
    [bad("y"), AGAIN_MS, 3],
    [OK, EVERY_MS, 4],
  ];
  for (const [told, ms, news] of steps) {
    await ends(told);
    assert.equal(stage.news, news, told.why);
    await pass(ms);
  }
  watch.stop();
});

test("a change starts a talk soon, and a change during a talk starts the next one soon after it", async () => {
  const { stage, watch, ends, pass } = staged();
  watch.look("c", edge("a"));
  await turn();
  watch.look("c", edge("b"));
  await ends(OK);
  await pass(SOON_MS);
  assert.equal(stage.talks, 2);
  await ends(OK);
  watch.look("c", edge("b"));
  await pass(SOON_MS);
  assert.equal(stage.talks, 2, "nothing changed");
  watch.look("c", edge("c"));
  watch.look("c", edge("d"));
  await pass(SOON_MS);
  assert.equal(stage.talks, 3);
  watch.stop();
});

test("the age of the last talk grows while a talk hangs, and the gauge is NaN before the first talk and after removal", async () => {
  const { clock, stage, watch, ends, pass } = staged();
  const state = (): number | undefined => [...watch.states()][0]?.canTalk;
  watch.look("c", edge());
  assert.equal(state(), Number.NaN);
  await ends(OK);
  assert.equal(state(), 1);
  await pass(EVERY_MS);
  assert.equal(stage.open.length, 1);
  clock.at += STALE_MS;
  const said = watch.look("c", edge());
  assert.equal(said.goodAgeMs, EVERY_MS + STALE_MS);
  assert.equal(state(), Number.NaN);
  await ends(bad("x"));
  await pass(AGAIN_MS);
  await ends(bad("x"));
  assert.equal(state(), 0);
  watch.stop();
});

test("a removed ChatCluster has no more talks, and the result of a running one is ignored", async () => {
  const { stage, watch, ends, pass } = staged();
  watch.look("c", edge());
  await turn();
  watch.forget("c");
  assert.equal(watch.said("c"), undefined);
  await ends(OK);
  await pass(10 * EVERY_MS);
  assert.deepEqual([stage.talks, stage.news], [1, 0]);
  assert.equal(watch.look("c", edge()).last, undefined);
  watch.stop();
});

test("talks at the same time are limited, and the next one begins when one ends", async () => {
  const { stage, watch, ends } = staged();
  for (let at = 0; at < 2 * AT_ONCE + 1; at += 1) watch.look(`c${at}`, edge());
  await turn();
  assert.equal(stage.talks, AT_ONCE);
  await ends(OK);
  assert.equal(stage.talks, 2 * AT_ONCE);
  await ends(OK);
  assert.equal(stage.talks, 2 * AT_ONCE + 1);
  watch.stop();
});

test("earlier keys are used too while earlier pods exist, and for some minutes after that", async () => {
  const { clock, stage, watch, ends, pass } = staged();
  watch.look("c", edge("a", key("k1")));
  await ends(OK);
  watch.look("c", edge("b", key("k2"), false));
  await pass(SOON_MS);
  assert.deepEqual(stage.ways.at(-1)?.credentials, [...key("k2"), ...key("k1")]);
  await ends(OK);
  clock.at += 1_000_000;
  watch.look("c", edge("c", key("k2"), false));
  await pass(SOON_MS);
  assert.equal(stage.ways.at(-1)?.credentials.length, 2, "they are rolled still");
  await ends(OK);
  watch.look("c", edge("d", key("k2"), true));
  await pass(SOON_MS);
  assert.deepEqual(stage.ways.at(-1)?.credentials, key("k2"));
  watch.stop();
});

test("a talk continues with the partitions after those of the last talk", async () => {
  const { stage, watch, ends, pass } = staged();
  watch.look("c", edge());
  await ends({ ...OK, nextPartition: 3 });
  await pass(EVERY_MS);
  assert.deepEqual(stage.from, [0, 3]);
  watch.stop();
});
