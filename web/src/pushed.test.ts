import assert from "node:assert/strict";
import { test } from "node:test";
import { readNotificationData, readPushed } from "./pushed.ts";

const ABOUT = { conversation: "g_abc-1", seq: 42, badge: 7, tag: "collapse-key_0123456789012345678" };
const NOTIFICATION = {
  v: 1,
  is: "notification",
  title: "Team",
  text: "Ann: Hello",
  ...ABOUT,
  count: 1,
  sound: true,
};
const WITHDRAWAL = { v: 1, is: "withdrawal", ...ABOUT };
const read = (value: unknown) => readPushed(JSON.stringify(value));

test("a notification and a withdrawal are read, with and without a badge and a sound", () => {
  const { title, text } = NOTIFICATION;
  assert.deepEqual(read(NOTIFICATION), { is: "notification", title, text, hasSound: true, ...ABOUT });
  assert.deepEqual(read(WITHDRAWAL), { is: "withdrawal", ...ABOUT });
  const { badge: _, sound: __, ...plain } = NOTIFICATION;
  assert.deepEqual(read(plain), {
    is: "notification",
    title,
    text,
    hasSound: false,
    ...ABOUT,
    badge: undefined,
  });
});

test("what is not a push of this version is none", () => {
  for (const text of ["", "{", "null", "[]", "7", '"text"', "x".repeat(4_096)])
    assert.equal(readPushed(text), undefined, text);
  for (const wrong of [
    { v: 2 },
    { is: "script" },
    { conversation: "../evil" },
    { conversation: "x".repeat(65) },
    { conversation: undefined },
    { seq: 0 },
    { seq: 1.5 },
    { seq: "1" },
    { badge: -1 },
    { badge: "7" },
    { tag: "" },
    { tag: "x".repeat(33) },
  ])
    for (const good of [NOTIFICATION, WITHDRAWAL])
      assert.equal(read({ ...good, ...wrong }), undefined, JSON.stringify({ ...good, ...wrong }));
  for (const wrong of [{ title: undefined }, { title: {} }, { text: 7 }])
    assert.equal(read({ ...NOTIFICATION, ...wrong }), undefined, JSON.stringify(wrong));
});

test("the data of a notification is read, and that of another is none", () => {
  const data = { conversation: "g_abc", seq: 42, hash: "#/c/g_abc/42" };
  assert.deepEqual(readNotificationData(data), data);
  assert.deepEqual(readNotificationData({ ...data, seq: "42" }), {
    conversation: "g_abc",
    hash: "#/c/g_abc/42",
  });
  for (const wrong of [undefined, null, "text", {}, { hash: "#/" }])
    assert.equal(readNotificationData(wrong), undefined);
});
