import assert from "node:assert/strict";
import { test } from "node:test";
import { WakefulClock } from "./wakeful-clock.ts";

test("the time moves while it is read, and hardly while nobody reads it", async () => {
  let at = 1_000;
  const stop = new AbortController();
  let late = 0;
  const wakeful = new WakefulClock({
    now: () => at,
    monotonic: () => at,
    sleep: async (ms) => {
      at += ms + late;
      await new Promise(setImmediate);
    },
  });
  const looks = async (count: number): Promise<void> => {
    for (let i = 0; i < count; i += 1) await new Promise(setImmediate);
  };
  void wakeful.run(stop.signal);
  const before = wakeful.now();
  const began = at;
  await looks(10);
  assert.equal(wakeful.now() - before, at - began, "awake, both go alike");
  late = 60_000;
  await looks(1);
  late = 0;
  await looks(1);
  assert.ok(wakeful.now() - before < 8_000, "a minute's sleep is hardly any time");
  stop.abort();
});
