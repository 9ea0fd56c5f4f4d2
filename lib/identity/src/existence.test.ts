import assert from "node:assert/strict";
import { test } from "node:test";
import { ChatError } from "@jichat/protocol/errors.ts";
import { Existence } from "./existence.ts";

/** Everybody whose name begins with `a` exists; counts what it is asked, and how much of it at once. */
class Book {
  isComplete = true;
  asked: string[] = [];
  running = 0;
  most = 0;
  fails = false;

  async has(user: string): Promise<boolean> {
    this.asked.push(user);
    this.running += 1;
    this.most = Math.max(this.most, this.running);
    await new Promise((resolve) => {
      setImmediate(resolve);
    });
    this.running -= 1;
    if (this.fails) throw new ChatError("UNAVAILABLE", "down", { retryAfterMs: 1 });
    return user.startsWith("a");
  }
}

const names = (prefix: string, count: number): string[] =>
  Array.from({ length: count }, (_, i) => `${prefix}${i}`);

test("an existing user is looked up once, and a missing one each time", async () => {
  const book = new Book();
  const existence = new Existence(book);
  assert.deepEqual(await existence.missing(["ann", "bob", "ann"]), ["bob"]);
  assert.equal(existence.missing(["ann"]), undefined);
  assert.deepEqual(await existence.missing(["bob"]), ["bob"]);
  assert.deepEqual(book.asked, ["ann", "bob", "bob"]);
  assert.deepEqual([existence.known, existence.asking], [1, 0]);
});

test("all callers that wait for one name share one look-up", async () => {
  const book = new Book();
  const existence = new Existence(book);
  const told = await Promise.all(names("x", 50).map(async (x) => existence.missing(["ann", "nobody", x])));
  assert.deepEqual(told[7], ["nobody", "x7"]);
  assert.equal(book.asked.length, 52);
});

test("the cache is bounded, missing names evict nothing, and hot names outlive cold ones", async () => {
  const book = new Book();
  const existence = new Existence(book, { knownMax: 100 });
  await existence.missing(["ahot"]);
  for (let i = 0; i < 10; i += 1) {
    await existence.missing(names(`n${i}-`, 500));
    assert.equal(existence.missing(["ahot"]), undefined);
  }
  for (let i = 0; i < 100; i += 1) {
    await existence.missing(names(`a${i}-`, 20));
    assert.equal(existence.missing(["ahot"]), undefined, `forgotten in round ${i}`);
    assert.ok(existence.known <= 100);
  }
  assert.equal(existence.asking, 0);
});

test("look-ups in flight and waiting ones are bounded, and a failure answers all waiting ones at once", async () => {
  const book = new Book();
  const existence = new Existence(book, { atOnce: 8, waitingMax: 100 });
  assert.deepEqual(await existence.missing(names("n", 108)), names("n", 108));
  assert.equal(book.most, 8);
  await assert.rejects(existence.require(names("n", 200)), { code: "BUSY" });
  await new Promise((resolve) => {
    setTimeout(resolve, 50);
  });
  const before = book.asked.length;
  book.fails = true;
  await assert.rejects(existence.require(names("n", 100)), { code: "UNAVAILABLE" });
  await new Promise((resolve) => {
    setTimeout(resolve, 20);
  });
  assert.equal(book.asked.length, before + 8);
  assert.equal(existence.asking, 0);
  book.fails = false;
  await assert.rejects(existence.require(["ann", "bob"]), { message: "these users do not exist: bob" });
});

test("nobody is refused or looked up while the register may be incomplete", () => {
  const book = new Book();
  book.isComplete = false;
  assert.equal(new Existence(book).missing(["bob"]), undefined);
  assert.deepEqual(book.asked, []);
});

test("the error lists the first ten of many names", async () => {
  const existence = new Existence(new Book());
  await assert.rejects(existence.require(names("n", 12)), {
    code: "NOT_FOUND",
    message: "these users do not exist: n0, n1, n2, n3, n4, n5, n6, n7, n8, n9, and 2 more",
  });
});

test("a forgotten name is asked for again, and an answer from before it was forgotten is not kept", async () => {
  const book = new Book();
  const existence = new Existence(book);
  await existence.missing(["ann"]);
  existence.forget("ann");
  assert.deepEqual(await existence.missing(["ann"]), []);
  assert.equal(book.asked.length, 2);

  const slow = existence.missing(["abe"]);
  existence.forget("abe");
  assert.equal(existence.asking, 0);
  assert.deepEqual(await slow, []);
  assert.notEqual(existence.missing(["abe"]), undefined, "it is asked again");
  assert.equal(existence.asking, 1);
});
