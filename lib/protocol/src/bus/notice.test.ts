import assert from "node:assert/strict";
import { test } from "node:test";
import { markOf, receiptOf } from "./notice.ts";

test("a receipt goes to the user of the mark, and the mark can be read from it", () => {
  for (const mark of [
    { conversation: "c", user: "ann", seq: 7, origin: "s1" },
    { conversation: "d", user: "bob", seq: 2 },
  ]) {
    const notice = receiptOf(mark);
    assert.deepEqual(notice.users, [mark.user]);
    assert.deepEqual(markOf(notice), mark);
  }
  const typing = { frame: '{"t":"typing","conversation":"c","user":"ann","on":true}', users: ["bob"] };
  assert.equal(markOf({ ...typing, key: "typing c ann", order: 1 }), undefined);
});

test("receipts of one user and conversation share a key, and a higher mark has a higher order", () => {
  const keyOf = (user: string, conversation: string, seq: number): string =>
    receiptOf({ user, conversation, seq }).key;
  assert.equal(keyOf("ann", "c", 1), keyOf("ann", "c", 2));
  assert.equal(new Set([keyOf("ann", "c", 1), keyOf("bob", "c", 1), keyOf("ann", "d", 1)]).size, 3);
  const [near, far] = [1, 2].map((seq) => receiptOf({ user: "ann", conversation: "c", seq }).order);
  assert.ok(near !== undefined && far !== undefined && near < far);
});
