import assert from "node:assert/strict";
import { test } from "node:test";
import { HandClock } from "@jichat/protocol/hand-clock.ts";
import { ServerClock } from "./server-clock.ts";
import { IdMaker } from "@jichat/protocol/uuid.ts";

const NOW = 1_800_000_000_000;
const [SECOND, HOUR, DAY] = [1_000, 3_600_000, 86_400_000];
/** When an id was made, by what it says. */
const timeOf = (id: string): number => Number.parseInt(id.replaceAll("-", "").slice(0, 12), 16);

test("the server's time is known after the first welcome, whatever the device's clock does", async () => {
  for (const aheadMs of [2 * HOUR, -2 * HOUR, DAY, 0]) {
    const device = new HandClock();
    device.aheadMs = NOW + aheadMs;
    const clock = new ServerClock(device);
    assert.equal(clock.now(), NOW + aheadMs, "there is nothing better");
    clock.heard(NOW);
    await device.pass(90 * SECOND);
    assert.equal(clock.now(), NOW + 90 * SECOND);
    device.aheadMs -= DAY;
    await device.pass(10.5);
    assert.equal(clock.now(), NOW + 90 * SECOND + 10, "in whole milliseconds");
    clock.heard(NOW - HOUR);
    assert.equal(clock.now(), NOW - HOUR, "the server's own clock was mended");
  }
});

test("ids rise within a millisecond and when the clock falls a little", () => {
  let now = NOW;
  const ids = new IdMaker(() => now);
  const made = Array.from({ length: 20_000 }, (_, i) => {
    if (i === 5_000) now -= 9 * SECOND;
    if (i === 15_000) now += 5 * SECOND;
    return ids.next();
  });
  assert.match(made[0] ?? "", /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  assert.deepEqual(made, made.toSorted());
  assert.equal(new Set(made).size, made.length);
  assert.ok(timeOf(made.at(-1) ?? "") - now <= 10 * SECOND);
});

test("ids after a clock that was far ahead have the right time again, and all ids differ", () => {
  const device = new HandClock();
  device.aheadMs = NOW + DAY;
  const clock = new ServerClock(device);
  const ids = new IdMaker(() => clock.now());
  const before = Array.from({ length: 5_000 }, () => ids.next());
  assert.ok(before.every((id) => timeOf(id) >= NOW + DAY));
  clock.heard(NOW);
  const after = Array.from({ length: 5_000 }, () => ids.next());
  assert.ok(after.every((id) => timeOf(id) >= NOW && timeOf(id) <= NOW + SECOND));
  assert.deepEqual(after, after.toSorted());
  assert.equal(new Set([...before, ...after]).size, 10_000);
});

test("a jump of the device's clock does not change the time of ids", async () => {
  const device = new HandClock();
  device.aheadMs = NOW;
  const clock = new ServerClock(device);
  clock.heard(NOW);
  const ids = new IdMaker(() => clock.now());
  for (const jumpMs of [2 * HOUR, -4 * HOUR, DAY]) {
    device.aheadMs += jumpMs;
    await device.pass(SECOND);
    assert.equal(timeOf(ids.next()), NOW + device.at);
  }
});
