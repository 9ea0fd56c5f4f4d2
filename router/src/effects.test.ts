import type { EffectsWorld } from "./ports.ts";
import assert from "node:assert/strict";
import { getEventListeners } from "node:events";
import { test } from "node:test";
import { systemClock } from "@jichat/protocol/clock.ts";
import { emptyUnit } from "./effect-unit.ts";
import { Effects } from "./effects.ts";
import { NOBODY_ONLINE } from "../test/stand-ins.ts";

const world: EffectsWorld = { partition: 0, clock: systemClock, ...NOBODY_ONLINE };

test("a lane that was idle a thousand times has one listener to its end, and ends", async () => {
  const stop = new AbortController();
  const effects = new Effects(world, 0, stop.signal);
  const ended = effects.run();
  for (let position = 1; position <= 1_000; position += 1) {
    effects.add(emptyUnit(position));
    while (!effects.idle)
      await new Promise((resolve) => {
        setImmediate(resolve);
      });
  }
  assert.equal(effects.done, 1_000);
  assert.equal(getEventListeners(stop.signal, "abort").length, 1);
  stop.abort(new Error("enough"));
  await ended;
});
