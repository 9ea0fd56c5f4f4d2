import assert from "node:assert/strict";
import { test } from "node:test";
import { ATTEMPTS_MAX, delayAfter } from "./backoff.ts";
import { Circuit } from "./circuit.ts";
import { Circuits } from "./circuits.ts";
import type { Fold } from "./folding.ts";
import { BURST_MS, FOLD_MS, NO_BURST, foldNext } from "./folding.ts";
import { collapseKey, laterKey, notificationId, placeKey } from "./ids.ts";
import { webhookTarget, webPushTarget } from "../test/fakes.ts";

test("an attempt waits longer after each failure, at random over the whole span", () => {
  assert.deepEqual(
    [1, 2, 3].map((failed) => delayAfter(failed, undefined, 0.5)),
    [500, 1_000, 2_000],
  );
  assert.equal(delayAfter(1, undefined, 0), 0);
  assert.equal(delayAfter(ATTEMPTS_MAX, undefined, 0.5), undefined, "no attempt is left");
});

test("what the provider asks for is the least, and too much of it ends the attempts", () => {
  assert.equal(delayAfter(1, 7_000, 0.5), 7_000);
  assert.equal(delayAfter(3, 100, 0.5), 2_000);
  assert.equal(delayAfter(1, 30_000, 0.5), 30_000);
  assert.equal(delayAfter(1, 30_001, 0.5), undefined);
});

test("the fifth message in ten seconds folds, and stands for all five", () => {
  let burst = NO_BURST;
  const at = (now: number): Fold => {
    const next = foldNext(burst, now);
    burst = next.burst;
    return next.fold;
  };
  assert.deepEqual(
    [0, 1, 2, 3].map((now) => at(now).is),
    ["alone", "alone", "alone", "alone"],
  );
  assert.deepEqual(at(4), { is: "folded", count: 5, dueMs: 4 + FOLD_MS });
  assert.deepEqual(at(5), { is: "folded", count: 6, dueMs: 5 + FOLD_MS });
  assert.equal(at(5 + BURST_MS - 1).is, "alone", "of the last four, only one is in the time");
});

test("four messages in ten seconds, again and again, never fold", () => {
  let burst = NO_BURST;
  for (let now = 0; now < 60_000; now += BURST_MS / 4) {
    const next = foldNext(burst, now);
    burst = next.burst;
    assert.equal(next.fold.is, "alone", `at ${now}`);
  }
});

test("a circuit opens after ten failures in a row, and a probe decides", () => {
  const circuit = new Circuit();
  for (let i = 0; i < 9; i += 1) circuit.down(0, 0);
  assert.equal(circuit.take(0), true);
  circuit.up();
  for (let i = 0; i < 9; i += 1) circuit.down(0, 0);
  assert.equal(circuit.state(0), "closed", "one success begins the count anew");
  circuit.down(0, 0);
  assert.equal(circuit.state(0), "open");
  assert.equal(circuit.take(999), false);
  assert.equal(circuit.take(1_000), true, "the probe: half of two seconds and none by chance");
  assert.equal(circuit.take(1_000), false, "no second probe");
  circuit.down(1_000, 0);
  assert.equal(circuit.state(2_999), "open", "for twice as long");
  assert.equal(circuit.take(3_000), true);
  circuit.up();
  assert.equal(circuit.state(3_000), "closed");
  assert.equal(circuit.take(3_000), true);
});

test("a circuit stays open for as long as the provider asks for, up to a minute; late failures change nothing", () => {
  const circuit = new Circuit();
  for (let i = 0; i < 10; i += 1) circuit.down(0, 0, 20_000);
  for (let i = 0; i < 100; i += 1) circuit.down(5_000, 0.9, 50_000);
  assert.equal(circuit.state(19_999), "open");
  assert.equal(circuit.take(20_000), true);
  circuit.down(20_000, 0, 3_600_000);
  assert.equal(circuit.take(79_999), false);
  assert.equal(circuit.take(80_000), true);
});

test("a probe without an outcome does not keep a circuit open", () => {
  const circuit = new Circuit();
  for (let i = 0; i < 10; i += 1) circuit.down(0, 0);
  assert.equal(circuit.take(5_000), true);
  assert.equal(circuit.take(64_999), false);
  assert.equal(circuit.take(65_000), true);
});

test("services have circuits of their own, and there is a bound to them", () => {
  const circuits = new Circuits();
  const provider = { circuitOf: (target: { kind: string; endpoint?: string }) => target.endpoint ?? "" };
  const bad = circuits.of(provider, webPushTarget("https://bad.example/1"), 0);
  for (let i = 0; i < 10; i += 1) bad.down(0, 0);
  assert.equal(circuits.of(provider, webPushTarget("https://good.example/1"), 0).take(0), true);
  assert.equal(circuits.of(provider, webPushTarget("https://bad.example/1"), 0), bad);
  assert.equal(circuits.of({}, webhookTarget("a"), 0), circuits.of({}, webhookTarget("b"), 0));
  for (let i = 0; i < 3_000; i += 1) circuits.of(provider, webPushTarget(`https://${i}.example/`), 0);
  assert.equal(circuits.of(provider, webPushTarget("https://bad.example/1"), 0), bad, "closed ones go first");
  assert.deepEqual([...circuits.open(0)], [["webpush", 1]]);
});

test("ids are the same for the same message, and differ in everything that tells pushes apart", () => {
  const place = { user: "ann", device: "phone", conversation: "g" };
  const id = notificationId(place, 1, "notification");
  assert.match(id, /^[\w-]{43}$/);
  assert.equal(notificationId({ ...place }, 1, "notification"), id);
  const others = [
    notificationId(place, 2, "notification"),
    notificationId(place, 1, "withdrawal"),
    notificationId({ ...place, user: "bob" }, 1, "notification"),
    notificationId({ ...place, device: "web" }, 1, "notification"),
    notificationId({ ...place, conversation: "h" }, 1, "notification"),
  ];
  assert.equal(new Set([id, ...others]).size, 6);
  assert.match(collapseKey("g"), /^[\w-]{32}$/);
  assert.equal(laterKey(3, place), `3.${placeKey(place)}`);
});
