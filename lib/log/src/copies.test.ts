import assert from "node:assert/strict";
import { test } from "node:test";
import { isInTouch, silentCopies } from "./copies.ts";

test("a leader has a quorum if more than half of the copies, its own included, were active lately", () => {
  const heard = (...seconds: number[]) =>
    seconds.map((s) => ({ name: "n", current: true, offline: false, active: s * 1e9 }));
  const info = (replicas: ReturnType<typeof heard>) => ({ cluster: { leader: "a", replicas } });
  assert.ok(isInTouch({}), "no cluster");
  assert.ok(isInTouch({ cluster: {} }), "one copy");
  assert.ok(isInTouch(info(heard(0.5, 0.5))));
  assert.ok(isInTouch(info(heard(0.5, 60))));
  assert.ok(!isInTouch(info(heard(3.1, 3.1))));
  assert.ok(!isInTouch(info(heard(0.5, 0.5).map((replica) => ({ ...replica, offline: true })))));
  assert.ok(!isInTouch({ error: { code: 503 } }), "no leader");
  assert.ok(!isInTouch({ error: { code: 404 } }), "a server that does not know the log");
  for (const leader of [undefined, ""])
    assert.ok(!isInTouch({ cluster: { leader, replicas: heard(0, 0) } }), "a leader that has stepped down");
});

test("a copy that lags under load is not reported, and one that was silent for ten seconds is", () => {
  const replica = (name: string, seconds: number, more = {}) => ({ name, active: seconds * 1e9, ...more });
  const replicas = [replica("b", 10, { current: false, lag: 19 }), replica("c", 10.1)];
  assert.deepEqual(silentCopies({ cluster: { replicas } }), ["c"]);
  assert.deepEqual(silentCopies({ cluster: { replicas: [replica("b", 0, { offline: true })] } }), ["b"]);
  assert.deepEqual(silentCopies({}), []);
});
