import assert from "node:assert/strict";
import { test } from "node:test";
import { Tab } from "../../test/tab.ts";
import { watchActivity } from "./activity.ts";

test("a page that is hidden is told as inactive, at once and at each change, until nobody watches it", () => {
  const told: boolean[] = [];
  const tab = new Tab();
  const activity = watchActivity((isActive) => told.push(isActive), tab);
  tab.turn("visible");
  tab.turn("hidden");
  tab.turn("hidden");
  tab.turn("visible");
  assert.deepEqual(told, [true, false, true]);
  activity.stop();
  activity.stop();
  tab.turn("hidden");
  assert.equal(told.length, 3);
});

test("a page that is hidden from the start is told as inactive", () => {
  const told: boolean[] = [];
  const tab = new Tab();
  tab.turn("hidden");
  watchActivity((isActive) => told.push(isActive), tab);
  assert.deepEqual(told, [false]);
});

test("an application may say that nobody looks, and not that somebody looks at a hidden page", () => {
  const told: boolean[] = [];
  const tab = new Tab();
  const activity = watchActivity((isActive) => told.push(isActive), tab);
  activity.say(false);
  tab.turn("hidden");
  activity.say(true);
  tab.turn("visible");
  assert.deepEqual(told, [true, false, true]);
});

test("without a page nothing is told until the application says something", () => {
  const told: boolean[] = [];
  const activity = watchActivity((isActive) => told.push(isActive), undefined);
  assert.deepEqual(told, []);
  activity.say(false);
  activity.say(false);
  assert.deepEqual(told, [false]);
});
