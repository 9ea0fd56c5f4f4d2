import assert from "node:assert/strict";
import { test } from "node:test";
import { systemClock } from "@jichat/protocol/clock.ts";
import { LoadMeter, WindowMean, watchProcess } from "./load.ts";

/** A meter on a clock that the test moves. */
function metering() {
  let now = 1_000;
  const meter = new LoadMeter({ monotonic: () => now });
  return {
    meter,
    pass: (seconds: number): void => {
      now += 1_000 * seconds;
      meter.sample();
    },
  };
}

test("a mean is not known before 15 s, and is of the last 30 s from then on", () => {
  const window = new WindowMean();
  for (let at = 0; at < 14; at += 1) window.add(10, 1);
  assert.equal(window.mean, Number.NaN);
  window.add(10, 1);
  assert.equal(window.mean, 10);
  for (let at = 0; at < 29; at += 1) window.add(40, 1);
  assert.equal(window.mean, 39, "one second of the earlier load is left");
  window.add(40, 1);
  assert.equal(window.mean, 40);
});

test("a value that stood for long counts for as long", () => {
  const window = new WindowMean();
  window.add(100, 20);
  window.add(0, 5);
  assert.equal(window.mean, 80);
  window.add(7, 60);
  assert.equal(window.mean, 7, "and it fills the window");
});

test("a rate is what a total has grown by in a second, however late the sample is", () => {
  const { meter, pass } = metering();
  let total = 500;
  const rate = meter.rate(() => total);
  for (let at = 0; at < 10; at += 1) {
    total += 20;
    pass(2);
  }
  assert.equal(rate(), 10);
  total += 40;
  pass(10);
  assert.equal(rate(), 8, "20 s with 10, and 10 s with 4");
  pass(0);
  assert.equal(rate(), 8, "no time, no sample");
});

test("the process says how late its event loop is, and how many cores it uses", async () => {
  const { meter, pass } = metering();
  const gauges = new Map<string, () => unknown>();
  watchProcess({ gauge: (name, _, read) => void gauges.set(name, read) }, meter);
  await systemClock.sleep(50);
  const until = performance.now() + 120;
  while (performance.now() < until); // It blocks the event loop, and uses a core.
  await systemClock.sleep(50);
  pass(16);
  const lag = Number(gauges.get("jichat_event_loop_lag_seconds")?.());
  assert.ok(lag > 0.05 && lag < 60, `${lag} s`);
  const cores = Number(gauges.get("jichat_cpu_cores")?.());
  assert.ok(cores > 0.001, `${cores} cores: at least some of 16 s`);
});
