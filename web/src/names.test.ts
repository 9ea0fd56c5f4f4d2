import assert from "node:assert/strict";
import { test } from "node:test";
import { Names } from "./names.ts";

function scene(answer: (users: readonly string[]) => Promise<readonly { user: string; name?: string }[]>) {
  const asked: (readonly string[])[] = [];
  const clock = { at: 0 };
  const names = new Names({
    fetch: async (users) => {
      asked.push(users);
      return answer(users);
    },
    now: () => clock.at,
  });
  return { asked, clock, names };
}

test("a whole list is one question, and its answer is told once", async (t) => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const { asked, clock, names } = scene(async () => [{ user: "ann", name: "Ann" }]);
  const told = Promise.withResolvers<void>();
  names.watch(told.resolve);
  assert.deepEqual(["ann", "ben", "ann", ""].map(names.of), ["ann", "ben", "ann", ""]);
  t.mock.timers.tick(20);
  await told.promise;
  assert.deepEqual(asked, [["ann", "ben"]]);
  assert.deepEqual(["ann", "ben"].map(names.of), ["Ann", "ben"]);
  t.mock.timers.tick(20);
  assert.equal(asked.length, 1, "who has no name is not asked for again");
  clock.at = 10 * 60_000 + 1;
  assert.equal(names.of("ann"), "Ann", "an old name is shown while it is asked for again");
  t.mock.timers.tick(20);
  assert.deepEqual(asked[1], ["ann"]);
});

test("more than a hundred are asked for in parts; a closed source asks for nothing", (t) => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const { asked, names } = scene(async () => []);
  for (let i = 0; i < 101; i += 1) names.of(`u${i}`);
  t.mock.timers.tick(20);
  assert.deepEqual(
    asked.map(({ length }) => length),
    [100, 1],
  );
  names.of("late");
  names.close();
  t.mock.timers.tick(1_000);
  assert.equal(asked.length, 2);
});
