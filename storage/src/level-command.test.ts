import assert from "node:assert/strict";
import { test } from "node:test";
import { refusal } from "./level-command.ts";

const asked = (text: string, cluster = 1): string | undefined =>
  refusal([text], Number(text), { known: 2, cluster });

test("a level can be raised to one that this build knows, and never lowered", () => {
  assert.equal(asked("1"), undefined, "as it is");
  assert.equal(asked("2"), undefined);
  assert.equal(refusal([], 1, { known: 2, cluster: 1 }), undefined, "to be shown");
  assert.match(asked("0") ?? "", /is at level 1: a level never falls/);
  assert.match(asked("3") ?? "", /knows levels up to 2/);
});

test("an argument that is not a level is answered with the usage", () => {
  for (const text of ["-1", "1.5", "one", "--force", "NaN"]) assert.match(asked(text) ?? "", /^usage: /);
  assert.match(refusal(["1", "2"], 1, { known: 2, cluster: 0 }) ?? "", /^usage: /);
});
