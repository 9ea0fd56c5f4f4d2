import assert from "node:assert/strict";
import { test } from "node:test";
import type { Place } from "./following.ts";
import { Following } from "./following.ts";

const SIZE = 500;
const from = (top: number, size = SIZE): Place => ({ top, bottom: top + size });

/** A view of 500 pixels at the end of 2,000, where the page has put it. */
function atEnd(): Following {
  const following = new Following();
  following.put(from(1_500));
  following.look(from(1_500), 2_000, 0);
  return following;
}

test("lines that arrive leave nobody behind, however many they are", () => {
  const following = atEnd();
  for (const height of [2_040, 6_000, 42_000]) {
    following.look(from(1_500), height, 10);
    assert.equal(following.isOn, true, `${height} pixels`);
  }
  following.put(from(41_500));
  following.look(from(41_500), 46_000, 20);
  assert.equal(following.isOn, true);
});

test("lines that get lower move the view up with the end, and leave nobody behind", () => {
  const following = atEnd();
  following.look(from(1_200), 1_700, 10);
  following.look(from(1_200), 2_000, 20);
  assert.equal(following.isOn, true);
});

test("a view that gets another size leaves nobody behind, whatever arrives meanwhile", () => {
  const higher = atEnd();
  higher.look(from(1_100, 900), 2_400, 10);
  assert.equal(higher.isOn, true, "the browser kept it at the end, and then lines came");
  const lower = atEnd();
  lower.look(from(1_500, 100), 2_400, 10);
  assert.equal(lower.isOn, true);
});

test("who moves up leaves, also while lines arrive", () => {
  for (const arrived of [0, 40, 4_000]) {
    const following = atEnd();
    following.look(from(1_419), 2_000 + arrived, 10);
    assert.equal(following.isOn, false, `${arrived} pixels have arrived`);
  }
});

test("who moves up by no more than the nearness stays", () => {
  const following = atEnd();
  following.look(from(1_420), 2_000, 10);
  assert.equal(following.isOn, true);
});

test("short ways up add up while the page puts the view to the end between them", () => {
  const following = atEnd();
  let top = 1_500;
  for (let moved = 1; moved <= 80; moved += 1) {
    following.look(from(top - 1), top + SIZE + 40, moved * 16);
    assert.equal(following.isOn, true, `${moved} pixels`);
    top += 40;
    following.put(from(top));
    following.look(from(top), top + SIZE, moved * 16 + 1);
  }
  following.look(from(top - 1), top + SIZE + 40, 81 * 16);
  assert.equal(following.isOn, false);
  following.look(from(top - 1), top + SIZE + 60, 82 * 16);
  assert.equal(following.isOn, false, "though the end is near");
});

test("short ways up with pauses between them do not add up", () => {
  const following = atEnd();
  for (let at = 1_000; at < 20_000; at += 1_000) {
    following.look(from(1_470), 2_000, at);
    following.put(from(1_500));
  }
  assert.equal(following.isOn, true);
});

test("who comes down near to the end follows again, and not before", () => {
  const following = atEnd();
  following.look(from(500), 2_000, 10);
  following.look(from(1_400), 2_000, 20);
  assert.equal(following.isOn, false);
  following.look(from(1_421), 2_000, 30);
  assert.equal(following.isOn, true);
});

test("who is left behind stays so as lines arrive, and as older ones are inserted above", () => {
  const following = atEnd();
  following.look(from(500), 2_000, 10);
  following.look(from(500), 6_000, 20);
  following.look(from(9_500), 15_000, 30);
  assert.equal(following.isOn, false);
});

test("a view that grows down to the end follows again", () => {
  const following = atEnd();
  following.look(from(1_300), 2_000, 10);
  following.look(from(1_300, 680), 2_000, 20);
  assert.equal(following.isOn, true);
});

test("where all lines are in view, the view is at their end", () => {
  const following = atEnd();
  following.stop();
  following.look(from(0), 500, 10);
  assert.equal(following.isOn, true);
});

test("the page can start it and stop it", () => {
  const following = atEnd();
  following.stop();
  assert.equal(following.isOn, false);
  following.start();
  assert.equal(following.isOn, true);
});
