import assert from "node:assert/strict";
import { test } from "node:test";
import { Rounds } from "./rounds.ts";
import type { RoundsOptions } from "./rounds.ts";

const turn = async (): Promise<void> =>
  new Promise((resolve) => {
    setImmediate(resolve);
  });

/** Rounds whose every round waits to be ended by the test. */
function held(
  costMax: number,
  options?: RoundsOptions,
): {
  rounds: Rounds<number, string>;
  ran: number[][];
  end: (error?: Error) => void;
} {
  const ran: number[][] = [];
  let waiting = Promise.withResolvers<void>();
  const rounds = new Rounds<number, string>(
    async (items) => {
      ran.push([...items]);
      await waiting.promise;
      return items.join("+");
    },
    (item) => item,
    costMax,
    options,
  );
  const end = (error?: Error): void => {
    const { resolve, reject } = waiting;
    waiting = Promise.withResolvers<void>();
    if (error === undefined) resolve();
    else reject(error);
  };
  return { rounds, ran, end };
}

test("requests that arrive during a round make the next one, in order, and each gets its own result", async () => {
  const { rounds, ran, end } = held(100);
  const first = [rounds.submit(1), rounds.submit(2)];
  await turn();
  const second = [rounds.submit(3), rounds.submit(4)];
  assert.deepEqual(ran, [[1, 2]]);
  end();
  assert.deepEqual(await Promise.all(first), ["1+2", "1+2"]);
  end();
  assert.deepEqual(await Promise.all(second), ["3+4", "3+4"]);
  assert.deepEqual(ran, [
    [1, 2],
    [3, 4],
  ]);
});

test("a round is full at its limit, one more request makes another, and a request over the limit goes alone", async () => {
  const { rounds, ran, end } = held(10);
  const all = [4, 6, 1, 11, 2].map((item) => rounds.submit(item));
  for (let i = 0; i < 4; i += 1) {
    await turn();
    end();
  }
  await Promise.all(all);
  assert.deepEqual(ran, [[4, 6], [1], [11], [2]]);
});

test("full rounds run together up to the limit, and a round that is not full waits for all of them", async () => {
  const { rounds, ran, end } = held(10, { inFlightMax: 2 });
  const all = [10, 10, 10, 3].map((item) => rounds.submit(item));
  await turn();
  assert.deepEqual(ran, [[10], [10]]);
  for (const ended of [3, 4]) {
    end();
    await turn();
    assert.equal(ran.length, ended);
  }
  end();
  await Promise.all(all);
  assert.deepEqual(ran, [[10], [10], [10], [3]]);
  assert.equal(rounds.isIdle, true);
});

test("a failed round fails for all its requests, and the next one runs", async () => {
  const { rounds, end } = held(10);
  const first = [rounds.submit(1), rounds.submit(2)];
  await turn();
  const later = rounds.submit(3);
  end(new Error("lost"));
  for (const one of first) await assert.rejects(one, /lost/);
  await turn();
  end();
  assert.equal(await later, "3");
});

test("a round that may gather waits for it, and a full one does not", async (t) => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const { rounds, ran, end } = held(10, { gatherMs: 5 });
  const all = [rounds.submit(4)];
  await turn();
  all.push(rounds.submit(3));
  t.mock.timers.tick(4);
  assert.deepEqual(ran, []);
  t.mock.timers.tick(1);
  assert.deepEqual(ran, [[4, 3]]);
  all.push(rounds.submit(2));
  end();
  await turn();
  t.mock.timers.tick(4);
  assert.deepEqual(ran, [[4, 3]]);
  t.mock.timers.tick(1);
  end();
  await Promise.all(all);
  all.push(rounds.submit(10));
  await turn();
  assert.deepEqual(ran, [[4, 3], [2], [10]]);
  end();
  await Promise.all(all);
});
