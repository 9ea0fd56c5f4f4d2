import assert from "node:assert/strict";
import { test } from "node:test";
import pino from "pino";
import { HandClock } from "@jichat/protocol/hand-clock.ts";
import { PushUsersKeeper } from "./push-users-keeper.ts";

const DAY_MS = 24 * 3_600_000;

/** A keeper, with the set that it keeps. */
function world() {
  const clock = new HandClock();
  const ended = new AbortController();
  const state = { ready: true, isFresh: false, isLocked: false, isDown: false, rebuilt: 0 };
  let met: () => void = assert.fail;
  const keeper = new PushUsersKeeper({
    clock,
    instance: "api-1",
    telemetry: { log: pino({ level: "silent" }) },
    presence: {
      get ready() {
        return state.ready;
      },
      onRun: (act) => {
        met = act;
      },
    },
    pushDevices: {
      users: async function* () {
        yield "ann";
      },
    },
    pushUsers: {
      isFresh: async () => {
        if (state.isDown) throw new Error("Redis is gone");
        return state.isFresh;
      },
      rebuild: async (maker, users) => {
        assert.equal(maker, "api-1");
        if (state.isLocked) return false;
        for await (const user of users) assert.equal(user, "ann");
        state.rebuilt += 1;
        state.isFresh = true;
        return true;
      },
    },
  });
  const running = keeper.run(ended.signal);
  return {
    state,
    clock,
    meet: async () => {
      met();
      await clock.pass(0);
    },
    end: async () => {
      ended.abort();
      await running;
    },
  };
}

test("the set is made where there is none, not again while it is fresh, and at once when Redis lost it", async () => {
  const { state, clock, meet, end } = world();
  await clock.pass(0);
  assert.equal(state.rebuilt, 1);
  for (let ms = 0; ms < DAY_MS / 2; ms += 600_000) await clock.pass(600_000);
  assert.equal(state.rebuilt, 1);
  state.isFresh = false;
  await meet();
  assert.equal(state.rebuilt, 2);
  state.isFresh = false; // A day is over.
  await clock.pass(600_000);
  assert.equal(state.rebuilt, 3);
  await end();
});

test("while another api makes it, or Redis is away, it is tried again every few seconds", async () => {
  const { state, clock, meet, end } = world();
  state.isLocked = true;
  await meet();
  assert.equal(state.rebuilt, 0);
  state.isLocked = false;
  state.isDown = true;
  await clock.pass(5_000);
  assert.equal(state.rebuilt, 0);
  state.isDown = false;
  await clock.pass(4_999);
  assert.equal(state.rebuilt, 0);
  await clock.pass(1);
  assert.equal(state.rebuilt, 1);
  // Without a name of its data nothing can be asked: that it is known wakes the keeper.
  state.ready = false;
  state.isFresh = false;
  await meet();
  assert.equal(state.rebuilt, 1);
  state.ready = true;
  await meet();
  assert.equal(state.rebuilt, 2);
  await end();
});
