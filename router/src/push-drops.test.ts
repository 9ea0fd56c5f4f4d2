import assert from "node:assert/strict";
import { test } from "node:test";
import type { PushQueueLook } from "./push-drops.ts";
import { droppedBetween } from "./push-drops.ts";

const look = (
  first: number,
  ...partitions: (readonly [given: number, waiting: number])[]
): PushQueueLook => ({
  first,
  partitions: new Map(partitions.map(([given, waiting], partition) => [partition, { given, waiting }])),
});

for (const [what, before, now, dropped] of [
  ["what workers were given goes by age, and nothing was dropped", look(1, [900, 0]), look(500, [990, 0]), 0],
  ["so it is while a few wait", look(1, [900, 3]), look(500, [990, 2]), 0],
  [
    "a partition in which nothing happens drops nothing",
    look(400, [7, 0], [900, 0]),
    look(500, [7, 0], [990, 0]),
    0,
  ],
  ["its first message after a long time is none that was dropped", look(400, [7, 0]), look(500, [7, 1]), 0],
  ["without a worker, all that goes was dropped", look(1, [0, 900]), look(501, [0, 400]), 500],
  ["and all of a queue that is emptied", look(1, [0, 900]), look(901, [0, 0]), 900],
  ["a worker that is too slow loses what goes before it", look(400, [390, 600]), look(500, [450, 500]), 49],
  ["what went before the first look is not counted again", look(400, [10, 600]), look(500, [10, 500]), 100],
  ["the slowest partition counts", look(400, [10, 600], [900, 1]), look(500, [10, 500], [990, 0]), 100],
  ["of a partition that was not known before nothing is said", look(400), look(500, [10, 500]), 0],
] as const)
  test(`push drops: ${what}`, () => {
    assert.equal(droppedBetween(before, now), dropped);
  });
