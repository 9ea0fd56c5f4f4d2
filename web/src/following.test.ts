import assert from "node:assert/strict";
import { test } from "node:test";
import { Following } from "./following.ts";

/** A view of 500 pixels at the end of 2,000, which the page has put there. */
function atEnd(): Following {
  const following = new Following();
  following.put(1_500);
  following.look(1_500, 0, 0);
  return following;
}

test("lines that arrive leave nobody behind, however many they are", () => {
  const following = atEnd();
  for (const rest of [40, 4_000, 40_000]) {
    following.look(1_500, rest, 10);
    assert.equal(following.isOn, true, `${rest} pixels have arrived`);
  }
  following.put(41_500);
  following.look(41_500, 4_000, 20);
  assert.equal(following.isOn, true);
});

test("lines that get lower move the view up with the end, and leave nobody behind", () => {
  const following = atEnd();
  following.look(1_200, 0, 10);
  following.look(1_200, 300, 20);
  assert.equal(following.isOn, true);
});

test("who moves up leaves, also while lines arrive", () => {
  for (const arrived of [0, 40, 4_000]) {
    const following = atEnd();
    following.look(1_419, 81 + arrived, 10);
    assert.equal(following.isOn, false, `${arrived} pixels have arrived`);
  }
});

test("who moves up by no more than the nearness stays", () => {
  const following = atEnd();
  following.look(1_420, 80, 10);
  assert.equal(following.isOn, true);
});

test("short ways up add up while the page puts the view to the end between them", () => {
  const following = atEnd();
  let top = 1_500;
  for (let moved = 1; moved <= 80; moved += 1) {
    following.look(top - 1, 41, moved * 16);
    assert.equal(following.isOn, true, `${moved} pixels`);
    top += 40;
    following.put(top);
  }
  following.look(top - 1, 41, 81 * 16);
  assert.equal(following.isOn, false);
});

test("short ways up with pauses between them do not add up", () => {
  const following = atEnd();
  for (let at = 1_000; at < 20_000; at += 1_000) {
    following.look(1_470, 30, at);
    following.put(1_500);
  }
  assert.equal(following.isOn, true);
});

test("who comes down near to the end follows again, and not before", () => {
  const following = atEnd();
  following.look(500, 1_000, 10);
  following.look(1_400, 100, 20);
  assert.equal(following.isOn, false);
  following.look(1_421, 79, 30);
  assert.equal(following.isOn, true);
});

test("who is left behind stays so as lines arrive, and as older ones are inserted above", () => {
  const following = atEnd();
  following.look(500, 1_000, 10);
  following.look(500, 5_000, 20);
  following.look(9_500, 5_000, 30);
  assert.equal(following.isOn, false);
});

test("a view that grows down to the end follows again", () => {
  const following = atEnd();
  following.look(1_300, 200, 10);
  following.look(1_300, 20, 20);
  assert.equal(following.isOn, true);
});

test("the page can start it and stop it", () => {
  const following = atEnd();
  following.stop();
  assert.equal(following.isOn, false);
  following.start();
  assert.equal(following.isOn, true);
});
