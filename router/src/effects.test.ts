import type { EffectsWorld } from "./ports.ts";
import assert from "node:assert/strict";
import { getEventListeners } from "node:events";
import { test } from "node:test";
import { systemClock } from "@jichat/protocol/clock.ts";
import { EVERYBODY } from "@jichat/presence/candidates.ts";
import { decodePushEntries } from "@jichat/protocol/bus/push.ts";
import { until } from "@jichat/testkit/until.ts";
import { emptyUnit, putEvent } from "./effect-unit.ts";
import { Effects } from "./effects.ts";
import { textsOf } from "./push-texts.ts";
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

test("deliveries do not wait for the push queue, and effects are done once it has everything", async (t) => {
  const stop = new AbortController();
  t.after(() => {
    stop.abort(new Error("the test is over"));
  });
  const delivered: number[] = [];
  const answers: (() => void)[] = [];
  const stored: string[] = [];
  const effects = new Effects(
    {
      ...world,
      sessions: {
        ...NOBODY_ONLINE.sessions,
        publish: async ({ users }) => ({
          online: new Map(users.map((user) => [user, ["c1"]])),
          candidates: EVERYBODY,
        }),
      },
      deliverer: {
        deliver: async (_, { events }) => void delivered.push(...events.map(({ position }) => position)),
      },
      push: {
        take: (_, entries) => entries.flatMap((entry) => textsOf(entry, 1_000)),
        add: async (_, message) => {
          await new Promise<void>((resolve) => {
            answers.push(resolve);
          });
          for (const entry of decodePushEntries(message))
            if (entry.is === "message") stored.push(`${entry.seq} ${entry.to.join("+")}`);
        },
      },
    },
    0,
    stop.signal,
  );
  void effects.run();
  for (let seq = 1; seq <= 3; seq += 1) {
    const unit = emptyUnit(seq);
    putEvent(unit, {
      conversation: "g",
      seq,
      author: "ann",
      name: undefined,
      delivered: { frame: `{"t":"event","no":${seq}}`, ts: 1, position: seq },
      recipients: ["ann", "bob"],
    });
    effects.add(unit);
    await until("its delivery", 5_000, async () => delivered.includes(seq));
  }
  assert.deepEqual([effects.done, effects.idle, stored], [0, false, []]);
  assert.ok(effects.backlogBytes > 0);
  answers[0]?.();
  await until("the second write", 5_000, async () => answers.length === 2);
  assert.equal(effects.done, 1);
  answers[1]?.();
  await until("the end", 5_000, async () => effects.idle);
  assert.deepEqual([effects.done, stored], [3, ["1 bob", "2 bob", "3 bob"]]);
});
