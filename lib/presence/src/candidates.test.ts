import assert from "node:assert/strict";
import { test } from "node:test";
import { EVERYBODY, NO_CANDIDATES, candidatesOfBoth, readCandidates } from "./candidates.ts";

const USERS = ["ann", "bob", "cem"];
const namedIn = (candidates: { has(user: string): boolean }): string[] =>
  USERS.filter((user) => candidates.has(user));

test("a digit for each user says who is a candidate, and without digits everybody is", () => {
  assert.deepEqual(namedIn(readCandidates(USERS, "101")), ["ann", "cem"]);
  assert.deepEqual(namedIn(readCandidates(USERS, "001")), ["cem"]);
  assert.equal(readCandidates(USERS, "000"), NO_CANDIDATES);
  assert.equal(readCandidates(USERS, ""), EVERYBODY);
  assert.equal(readCandidates([], ""), NO_CANDIDATES, "nobody was asked for");
});

test("the candidates of two scripts are those of either", () => {
  const [one, other] = [new Set(["ann"]), new Set(["cem"])];
  assert.deepEqual(namedIn(candidatesOfBoth(one, other)), ["ann", "cem"]);
  for (const [a, b, both] of [
    [one, NO_CANDIDATES, one],
    [one, EVERYBODY, EVERYBODY],
    [NO_CANDIDATES, EVERYBODY, EVERYBODY],
    [NO_CANDIDATES, NO_CANDIDATES, NO_CANDIDATES],
  ] as const) {
    assert.equal(candidatesOfBoth(a, b), both);
    assert.equal(candidatesOfBoth(b, a), both);
  }
});
