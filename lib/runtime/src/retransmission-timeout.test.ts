import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { RetransmissionTimeout, TIMEOUT_MAX_MS, TIMEOUT_MIN_MS } from "./retransmission-timeout.ts";

const after = (...answers: readonly number[]): RetransmissionTimeout => {
  const timeout = new RetransmissionTimeout();
  for (const ms of answers) timeout.answered(ms);
  return timeout;
};

test("quick answers make it short, and slow ones long", () => {
  assert.equal(after().ms, 1_000, "nothing is known yet");
  assert.equal(after(5).ms, TIMEOUT_MIN_MS);
  assert.equal(after(300).ms, 900, "one answer: its time, and half of it as the deviation");
  assert.equal(
    after(...Array.from({ length: 50 }, () => 300)).ms,
    TIMEOUT_MIN_MS,
    "steady answers do not deviate",
  );
  assert.equal(after(5, 1_500).ms, 1_695, "RFC 6298: the mean is 192 ms, the deviation 376 ms");
  assert.equal(after(5_000).ms, TIMEOUT_MAX_MS);
});

test("it doubles each time that it passes, until a first attempt is answered", () => {
  const timeout = after(5);
  const told = [1, 2, 3].map(() => {
    timeout.passed();
    return timeout.ms;
  });
  assert.deepEqual(told, [1_000, 2_000, 2_000]);
  timeout.answered(5);
  assert.equal(timeout.ms, TIMEOUT_MIN_MS);
});

test("a server that is always slower than the least is soon waited for", () => {
  fc.assert(
    fc.property(fc.integer({ min: TIMEOUT_MIN_MS, max: TIMEOUT_MAX_MS - 1 }), (tookMs) => {
      const timeout = after(5, 5, 5);
      let twice = 0;
      for (let request = 0; request < 100; request += 1) {
        let isFirst = true;
        for (; timeout.ms < tookMs; isFirst = false) {
          timeout.passed();
          twice += 1;
        }
        if (isFirst) timeout.answered(tookMs);
      }
      assert.ok(twice <= 10, `${twice} of 100 were sent again`);
    }),
  );
});
