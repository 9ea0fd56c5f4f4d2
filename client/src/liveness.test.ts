import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { DEAD_MS, Liveness, PROBE_MS } from "./liveness.ts";

const BEAT_MS = 25_000;

/** Acts on time until the other end is given up, which answers pings until `diesAt`. Returns when. */
function run(
  life: Liveness,
  now: number,
  diesAt: number,
): { readonly endsAt: number; readonly pings: number } {
  for (let pings = 0; ; pings += 1) {
    const { at, act } = life.next();
    assert.ok(at >= now, "time only rises");
    if (act === "end" || pings > 1_000) return { endsAt: at, pings };
    now = at;
    life.pinged(now);
    if (now < diesAt) life.heard(undefined, now);
  }
}

test("a frame without an answer causes a ping, and ends a connection that receives nothing else within 10 s", () => {
  const life = new Liveness(BEAT_MS, 0);
  life.sent("a", 1_000);
  assert.deepEqual(life.next(), { at: 1_000 + PROBE_MS, act: "ping" });
  assert.equal(run(life, 1_000, 0).endsAt, 1_000 + DEAD_MS);
});

test("an idle connection pings once a heartbeat, and ends within 10 s of a ping without an answer", () => {
  const life = new Liveness(BEAT_MS, 0);
  const { endsAt, pings } = run(life, 0, 5 * BEAT_MS);
  assert.equal(endsAt, 5 * BEAT_MS + DEAD_MS);
  assert.equal(pings, 6, "one a heartbeat, and one more before the end");
});

test("a slow answer does not end a connection that answers pings, and causes no more pings than needed", () => {
  const life = new Liveness(BEAT_MS, 0);
  life.sent("slow", 0);
  const { endsAt, pings } = run(life, 0, 60_000);
  assert.ok(endsAt > 60_000 && endsAt <= 60_000 + DEAD_MS);
  assert.ok(pings <= 60_000 / PROBE_MS + 1, `${pings} pings`);
  life.heard("slow", endsAt);
  assert.deepEqual(life.next(), { at: endsAt + BEAT_MS, act: "ping" });
});

test("a device that slept pings before it trusts its connection", () => {
  const life = new Liveness(BEAT_MS, 0);
  life.sent("a", 0);
  const wokeAt = 3_600_000;
  assert.equal(life.next().act, "ping");
  life.pinged(wokeAt);
  assert.deepEqual(life.next(), { at: wokeAt + DEAD_MS - PROBE_MS, act: "end" });
  life.heard("a", wokeAt + 1);
  assert.deepEqual(life.next(), { at: wokeAt + 1 + BEAT_MS, act: "ping" });
});

test("a dead network is noticed in time after any traffic", () => {
  const step = fc.record({
    afterMs: fc.integer({ min: 0, max: 20_000 }),
    what: fc.constantFrom("send", "answer", "event", "forget"),
    id: fc.constantFrom("a", "b", "c"),
  });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 30 }), fc.boolean(), (steps, isAsking) => {
      const life = new Liveness(BEAT_MS, 0);
      let now = 0;
      let lastHeardAt = 0;
      for (const { afterMs, what, id } of steps) {
        const until = now + afterMs;
        for (let { at } = life.next(); at <= until; { at } = life.next()) {
          life.pinged(at);
          life.heard(undefined, at);
          lastHeardAt = at;
        }
        now = until;
        if (what === "send") life.sent(id, now);
        else if (what === "forget") life.forget(id);
        else {
          life.heard(what === "answer" ? id : undefined, now);
          lastHeardAt = now;
        }
      }
      if (isAsking) life.sent("last", now);
      const { endsAt } = run(life, now, 0);
      const most = isAsking ? now + DEAD_MS : lastHeardAt + BEAT_MS + DEAD_MS;
      assert.ok(endsAt <= most, `${endsAt} is later than ${most}`);
      assert.ok(endsAt >= lastHeardAt + DEAD_MS, "nobody is given up who was heard just now");
    }),
  );
});
