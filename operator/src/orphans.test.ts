import assert from "node:assert/strict";
import { test } from "node:test";
import { HandClock } from "@jichat/protocol/hand-clock.ts";
import { ORPHAN_MS, Orphans } from "./orphans.ts";

test("a partition without a router is reported only once that lasts longer than a hand-over", () => {
  const clock = new HandClock();
  const orphans = new Orphans(clock);
  assert.deepEqual(orphans.see("c", [3]), { lasting: [], isOpen: true });
  clock.at += ORPHAN_MS - 1;
  assert.deepEqual(orphans.see("c", [3, 4]), { lasting: [], isOpen: true });
  clock.at += 1;
  assert.deepEqual(orphans.see("c", [3, 4]), { lasting: [3], isOpen: true });
  assert.deepEqual(orphans.see("other", [3]).lasting, []);
  assert.deepEqual(orphans.see("c", undefined).lasting, [3], "that it is not known mends nothing");
  assert.deepEqual(orphans.see("c", []), { lasting: [], isOpen: false });
  assert.deepEqual(orphans.see("c", [3]).lasting, [], "and is counted anew");
  orphans.forget("c");
  assert.deepEqual(orphans.see("c", undefined), { lasting: [], isOpen: false });
});
