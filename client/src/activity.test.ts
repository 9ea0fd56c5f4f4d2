import assert from "node:assert/strict";
import { test } from "node:test";
import { activityOf } from "./activity.ts";

class Tab extends EventTarget {
  visibilityState = "visible";

  turn(to: "visible" | "hidden"): void {
    this.visibilityState = to;
    this.dispatchEvent(new Event("visibilitychange"));
  }
}

test("a page that is hidden is told as inactive, at each change and to each new connection", () => {
  const told: boolean[] = [];
  const tab = new Tab();
  const activity = activityOf((isActive) => told.push(isActive), tab);
  activity.start();
  activity.start();
  activity.welcomed();
  tab.turn("visible");
  tab.turn("hidden");
  tab.turn("hidden");
  activity.welcomed();
  tab.turn("visible");
  assert.deepEqual(told, [true, false, false, true]);
  activity.stop();
  tab.turn("hidden");
  assert.equal(told.length, 4);
});

test("an application may say that nobody looks, and not that somebody looks at a hidden page", () => {
  const told: boolean[] = [];
  const tab = new Tab();
  const activity = activityOf((isActive) => told.push(isActive), tab);
  activity.start();
  activity.welcomed();
  activity.say(false);
  tab.turn("hidden");
  activity.say(true);
  tab.turn("visible");
  assert.deepEqual(told, [true, false, true]);
});

test("without a page nothing is told until the application says something", () => {
  const told: boolean[] = [];
  const activity = activityOf((isActive) => told.push(isActive), undefined);
  activity.start();
  activity.welcomed();
  assert.deepEqual(told, []);
  activity.say(false);
  activity.welcomed();
  assert.deepEqual(told, [false, false]);
});
