import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { RedisTime } from "./redis-time.ts";

const START = 1_800_000_000_000_000;
const BEGIN_MS = 5_000;

/** Redis and a process that asks it, on one hand-moved clock. */
class Scene {
  now = BEGIN_MS;
  /** Redis's clock, in microseconds. */
  redis = START;
  readonly time = new RedisTime(() => this.now);

  pass(ms: number, drift = 0): void {
    this.now += ms;
    this.redis += 1_000 * ms * (1 + drift);
  }

  /** A question that takes `thereMs` to Redis, whose answer takes `backMs`. */
  ask(thereMs: number, backMs: number, drift = 0): void {
    const askedAt = this.now;
    this.pass(thereMs, drift);
    const told = Math.floor(this.redis);
    this.pass(backMs, drift);
    this.time.told(told, askedAt);
  }

  /** How far the bound is above Redis's clock, in microseconds. */
  get over(): number {
    return (this.time.now() ?? Number.NaN) - this.redis;
  }
}

test("the quickest question of two minutes bounds the time of Redis", () => {
  const scene = new Scene();
  assert.equal(scene.time.now(), undefined);
  const over = (ms: number, thereMs: number, backMs: number): number => {
    scene.pass(ms);
    scene.ask(thereMs, backMs);
    return Math.round(scene.over / 1_000);
  };
  assert.equal(over(0, 80, 1), 80);
  assert.equal(over(100, 2, 500), 2, "how late the answer came does not matter");
  assert.equal(over(1_000, 300, 1), 2, "a slow question tells nothing new");
  assert.equal(over(60_000, 40, 1), 2 + 12, "clocks may drift by 12 ms in a minute");
  assert.equal(over(60_001, 40, 1), 40, "the quick one is too long ago");
});

test("a clock of Redis that was set forward is known by the first answer", () => {
  const scene = new Scene();
  scene.ask(1, 1);
  scene.redis += 5_000_000;
  scene.ask(3, 1);
  assert.ok(scene.over >= 0 && scene.over < 4_000, `${scene.over} µs`);
});

test("a Redis that is met anew is not known by what another one told, even if its clock is a little ahead", () => {
  const scene = new Scene();
  scene.ask(1, 1);
  scene.redis += 50_000;
  scene.time.forget();
  assert.equal(scene.time.now(), undefined);
  scene.ask(2, 100);
  assert.ok(scene.over >= 0 && scene.over < 3_000, `${scene.over} µs`);
});

test("the bound is never below the time of Redis, whatever ways and pauses, with clocks that drift", () => {
  const step = fc.record({
    pauseMs: fc.nat(70_000),
    thereMs: fc.nat(400),
    backMs: fc.nat(20_000),
    drift: fc.double({ min: -1e-4, max: 1e-4, noNaN: true }),
  });
  fc.assert(
    fc.property(fc.array(step, { minLength: 1, maxLength: 20 }), (steps) => {
      const scene = new Scene();
      for (const { pauseMs, thereMs, backMs, drift } of steps) {
        scene.ask(thereMs, backMs, drift);
        scene.pass(pauseMs, drift);
        assert.ok(scene.over >= -1, `${scene.over} µs`);
      }
    }),
  );
});

test("the latest time stays, even if another Redis is behind", () => {
  const time = new RedisTime(() => 0);
  assert.equal(time.latest, 0);
  for (const told of [7, 9, 3]) time.told(told, 0);
  assert.equal(time.latest, 9);
});
