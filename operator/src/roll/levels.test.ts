import assert from "node:assert/strict";
import { test } from "node:test";
import { behindIn } from "./levels.ts";

const copy = (name: string, but: object = {}) => ({ name, current: true, ...but });
const group = (...replicas: readonly object[]) => ({ leader: "a", replicas: replicas as { name: string }[] });

test("a group is level if it has a leader, all its copies, and each of them is current, present and without lag", () => {
  assert.equal(behindIn("LOG-1", 3, group(copy("b"), copy("c"))), undefined);
  assert.equal(behindIn("LOG-1", 3, group(copy("b", { lag: 0 }), copy("c"))), undefined);
  assert.equal(behindIn("LOG-1", 1, { leader: "a" }), undefined);
  assert.equal(behindIn("LOG-1", 1, { leader: "a", replicas: null }), undefined);
  for (const wrong of [{ current: false }, { current: undefined }, { offline: true }, { lag: 1 }])
    assert.equal(behindIn("LOG-1", 3, group(copy("c", wrong), copy("b"))), "LOG-1 is behind on c");
  const both = group(copy("c", { lag: 7 }), copy("b", { current: false }));
  assert.equal(behindIn("LOG-1", 3, both), "LOG-1 is behind on b, c");
});

test("what is not said is not level", () => {
  for (const said of [undefined, {}, { leader: "" }, { leader: "", replicas: [copy("b"), copy("c")] }])
    assert.equal(behindIn("LOG-1", 3, said), "LOG-1 has no leader");
  assert.equal(behindIn("LOG-1", 3, group(copy("b"))), "LOG-1 has 2 of 3 copies");
  assert.equal(behindIn("LOG-1", 3, { leader: "a" }), "LOG-1 has 1 of 3 copies");
});
