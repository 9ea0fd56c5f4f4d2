import assert from "node:assert/strict";
import { test } from "node:test";
import { ChatError } from "@jichat/protocol/errors.ts";
import { namesOf } from "@jichat/protocol/bus/names.ts";
import { NobodyServes, SendRefused } from "@jichat/runtime/bus.ts";
import { SignsOfOwners } from "./signs-of-owners.ts";

/**
 * Lets an owner ask another one for `forMs` of virtual time. `answer` is called with the time of each question
 * and throws what the bus would.
 */
async function run(forMs: number, answer: (now: number) => void) {
  let now = 0;
  const stop = new AbortController();
  const open = new Set<number>();
  const asked: number[] = [];
  const struck: { readonly id: string; readonly at: number }[] = [];
  let subscriptions = 0;
  /** Fewest subscriptions that were open at once while it ran. */
  let least = Infinity;
  const signs = new SignsOfOwners({
    bus: {
      request: async () => {
        asked.push(now);
        answer(now);
        return new Uint8Array(0);
      },
      subscribe: () => {
        const at = (subscriptions += 1);
        open.add(at);
        const end = (): void => {
          open.delete(at);
          if (!stop.signal.aborted) least = Math.min(least, open.size);
        };
        return { stop: end, drain: end };
      },
      onReconnect: () => undefined,
    },
    names: namesOf("c"),
    clock: {
      now: () => now,
      monotonic: () => now,
      sleep: async (ms) => {
        now += ms;
        if (now >= forMs) stop.abort(new Error("over"));
        await new Promise((resolve) => {
          setImmediate(resolve);
        });
      },
    },
    me: "a",
    quietMs: 4_000,
    living: () => ["a", "b"],
    strike: async (id) => void struck.push({ id, at: now }),
  });
  await signs.run(stop.signal);
  return { asked, struck, subscriptions, least, open };
}

const nobody = (): never => {
  throw new NobodyServes("c.alive.b");
};
const refuse = (): never => {
  throw new SendRefused(new ChatError("UNAVAILABLE", "not permitted"));
};

test("an owner that has answered, and then has no subscription, is struck off within a second, once", async () => {
  const { struck } = await run(20_000, (now) => {
    if (now > 2_000) nobody();
  });
  assert.deepEqual(
    struck.map(({ id }) => id),
    ["b"],
  );
  assert.ok((struck[0]?.at ?? Infinity) <= 3_000);
});

test("an owner whom nobody asks subscribes again each minute, and is never without a subscription", async () => {
  const { subscriptions, least, open } = await run(200_000, () => undefined);
  assert.equal(subscriptions, 4);
  assert.equal(least, 1);
  assert.deepEqual([...open], [], "it has left, and answers nobody");
});

test("a login that may not ask tries again after a minute, and strikes nobody off", async () => {
  const { asked, struck } = await run(150_000, refuse);
  assert.equal(asked.length, 3);
  assert.deepEqual(struck, []);
});
