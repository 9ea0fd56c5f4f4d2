import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { HandClock } from "@jichat/protocol/hand-clock.ts";
import { AgreedClock } from "./agreed-clock.ts";

const MINUTES = 60_000;
const TRUE_START = 1_700_000_000_000;

/** Hosts that share a monotonic clock and nothing else. */
function world(offs: { own?: number; redis?: number; nats?: number } = {}) {
  const host = new HandClock();
  const off = { own: 0, redis: 0, nats: 0, ...offs };
  const away = new Set<"redis" | "nats">();
  const setOwn = (ms: number): void => {
    host.aheadMs = TRUE_START + ms;
  };
  setOwn(off.own);
  const told: [boolean, number][] = [];
  const ask = (name: "redis" | "nats") => async (): Promise<number> => {
    if (away.has(name)) throw new Error("away");
    return TRUE_START + host.at + off[name];
  };
  const clock = new AgreedClock({
    host,
    others: [ask("redis"), ask("nats")],
    onBelief: (...of) => told.push(of),
  });
  const wrongBy = (): number => clock.now() - TRUE_START - host.at;
  return { host, off, away, told, clock, setOwn, wrongBy };
}

for (const wrong of ["own", "redis", "nats"] as const)
  for (const ms of [10 * MINUTES, -10 * MINUTES, 365 * 24 * 60 * MINUTES])
    test(`one clock that is wrong from the start (${wrong}, ${ms} ms) does not change the agreed time`, async () => {
      const { clock, wrongBy, told } = world({ [wrong]: ms });
      await clock.look();
      assert.equal(wrongBy(), 0);
      assert.deepEqual(told, wrong === "own" ? [[false, ms]] : []);
    });

test("a jump of this host's clock does not change the agreed time, and is reported once each way", async () => {
  const { clock, wrongBy, told, setOwn, host } = world();
  await clock.look();
  setOwn(10 * MINUTES);
  assert.equal(wrongBy(), 0);
  await clock.look();
  await clock.look();
  assert.deepEqual(told, [[false, 10 * MINUTES]]);
  host.at += 60_000;
  assert.equal(wrongBy(), 0);
  setOwn(500);
  assert.equal(wrongBy(), 500, "what is near is believed to the millisecond");
  await clock.look();
  assert.deepEqual(told.at(-1), [true, 500]);
});

test("the last look counts while nobody answers, and one answer and the last look outvote a jump", async () => {
  const { clock, wrongBy, away, setOwn, host } = world();
  await clock.look();
  away.add("redis").add("nats");
  setOwn(-10 * MINUTES);
  for (let i = 0; i < 10; i += 1) {
    host.at += 10_000;
    await clock.look();
    assert.equal(wrongBy(), 0);
  }
  away.delete("nats");
  await clock.look();
  assert.equal(wrongBy(), 0);
});

test("a host that was suspended with its monotonic clock is believed again at the next look", async () => {
  const { clock, away, off, setOwn, wrongBy } = world();
  await clock.look();
  const sleptMs = 60 * MINUTES;
  for (const name of ["redis", "nats"] as const) off[name] = sleptMs;
  setOwn(sleptMs);
  away.add("redis");
  await clock.look();
  assert.equal(wrongBy(), sleptMs);
});

test("this host's clock is used if nobody ever answers", async () => {
  const { clock, away, wrongBy } = world({ own: 10 * MINUTES });
  away.add("redis").add("nats");
  await clock.look();
  assert.equal(wrongBy(), 10 * MINUTES);
});

test("a slow answer is ignored", async () => {
  const host = new HandClock();
  host.aheadMs = TRUE_START;
  const slow = async (): Promise<number> => {
    host.at += 3_000;
    return 5;
  };
  const clock = new AgreedClock({ host, others: [slow] });
  await clock.look();
  assert.equal(clock.now(), TRUE_START + host.at);
});

test("the agreed time stays within its bound for any jumps, if at most one clock is wrong at a time", async () => {
  const step = fc.record({
    who: fc.constantFrom("own" as const, "redis" as const, "nats" as const),
    ms: fc.integer({ min: -20 * MINUTES, max: 20 * MINUTES }),
    passes: fc.integer({ min: 1, max: 30_000 }),
  });
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 20 }), async (steps) => {
      const { clock, off, setOwn, wrongBy, host } = world();
      await clock.look();
      for (const { who, ms, passes } of steps) {
        off.redis = who === "redis" ? ms : 0;
        off.nats = who === "nats" ? ms : 0;
        setOwn(who === "own" ? ms : 0);
        assert.ok(Math.abs(wrongBy()) <= 2_000, `${wrongBy()} before the look`);
        host.at += passes;
        await clock.look();
        assert.ok(Math.abs(wrongBy()) <= 2_000, `${wrongBy()} after it`);
      }
    }),
  );
});

test("the clock looks again within a second while not all answer, and every ten seconds otherwise", async () => {
  const { clock, away, host, off, wrongBy } = world({ own: 10 * MINUTES });
  away.add("redis").add("nats");
  const ended = new AbortController();
  const running = clock.run(ended.signal);
  await host.pass(0);
  assert.equal(wrongBy(), 10 * MINUTES);
  away.clear();
  await host.pass(1_000);
  assert.equal(wrongBy(), 0);
  off.redis = off.nats = -30 * MINUTES;
  await host.pass(9_000);
  assert.equal(wrongBy(), 0, "not asked yet");
  await host.pass(1_000);
  assert.notEqual(wrongBy(), 0);
  ended.abort();
  await running;
});
