import assert from "node:assert/strict";
import { test } from "node:test";
import { Feed } from "./feed.ts";

const whole = async (feed: Feed<number>): Promise<number[]> => {
  const values: number[] = [];
  for await (const value of feed) values.push(value);
  return values;
};

test("a feed delivers stored and later values in order, and several reads at once share them", async () => {
  const feed = new Feed<number>(100, () => undefined);
  feed.push(1);
  const reads = [feed.next(), feed.next(), feed.next(), feed.next()];
  feed.push(2);
  feed.push(3);
  feed.end();
  assert.deepEqual(
    (await Promise.all(reads)).map(({ value, done }) => (done === true ? "end" : value)),
    [1, 2, 3, "end"],
  );
  assert.equal((await feed.next()).done, true);
});

test("a reader that falls too far behind gets the waiting values and then an error, and no hole", async () => {
  let ends = 0;
  const feed = new Feed<number>(3, () => (ends += 1));
  for (const value of [1, 2, 3, 4, 5]) feed.push(value);
  assert.equal(ends, 1);
  assert.deepEqual([(await feed.next()).value, (await feed.next()).value], [1, 2]);
  assert.equal((await feed.next()).value, 3);
  await assert.rejects(feed.next(), { code: "BUSY", message: /more than 3 events waited/ });
});

test("a hundred thousand waiting values are read quickly", async () => {
  const feed = new Feed<number>(100_000, () => undefined);
  const values = Array.from({ length: 100_000 }, (_, i) => i);
  for (const value of values) feed.push(value);
  feed.end();
  assert.deepEqual(await whole(feed), values);
});

test("a reader that stops ends its feed once, for its other readers too", async () => {
  let ends = 0;
  const feed = new Feed<number>(3, () => (ends += 1));
  const other = feed.next();
  await feed.return();
  feed.push(1);
  feed.end(new Error("too late"));
  assert.deepEqual(
    [await other, await feed.next()],
    [
      { value: undefined, done: true },
      { value: undefined, done: true },
    ],
  );
  assert.equal(ends, 1);
});
