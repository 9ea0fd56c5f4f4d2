import assert from "node:assert/strict";
import { test } from "node:test";
import { isClientId, isId } from "./id-forms.ts";
import { directConversation, firstIdOf, groupConversation, isDirect, partitionOf, timeOfId } from "./ids.ts";

test("an id has 1 to 64 of [A-Za-z0-9_-]; a client's id 1 to 64 printable ASCII characters", () => {
  for (const good of ["a", "A-b_9", "x".repeat(64)]) assert.equal(isId(good), true, good);
  for (const bad of ["", "x".repeat(65), "a b", "a.b", "*", ">", "é", "a\n"])
    assert.equal(isId(bad), false, bad);
  for (const good of [" ", "~", "a b*", "x".repeat(64)]) assert.equal(isClientId(good), true, good);
  for (const bad of ["", "x".repeat(65), "\u007f", "é", "a\n"]) assert.equal(isClientId(bad), false, bad);
});

test("a value that is not text is not an id, whatever it looks like as text", () => {
  for (const value of [
    397,
    0,
    1n,
    true,
    false,
    null,
    undefined,
    ["ann"],
    [],
    {},
    { toString: () => "ann" },
  ]) {
    assert.equal(isId(value), false);
    assert.equal(isClientId(value), false);
  }
});

test("a UUIDv7 has its time, and sorts after the first id of that time", () => {
  const id = "01976b2c-0000-7abc-8def-0123456789ab";
  const time = timeOfId(id);
  assert.equal(time, 0x01976b2c0000);
  assert.ok(id >= firstIdOf(time ?? 0) && id < firstIdOf((time ?? 0) + 1));
});

test("no other id has a time: version 4, upper case, a broken variant, text", () => {
  for (const id of [
    "01976b2c-0000-4abc-8def-0123456789ab",
    "01976B2C-0000-7ABC-8DEF-0123456789AB",
    "01976b2c-0000-7abc-cdef-0123456789ab",
    "hello",
  ]) {
    assert.equal(timeOfId(id), undefined, id);
  }
});

test("two users have one conversation, whoever asks, and a creator and an id have one group", () => {
  assert.equal(directConversation("ann", "bob"), directConversation("bob", "ann"));
  assert.notEqual(directConversation("ann", "bob"), directConversation("ann", "bo"));
  assert.ok(isDirect(directConversation("ann", "bob")) && !isDirect(groupConversation("ann", "1")));
  assert.equal(groupConversation("ann", "1"), groupConversation("ann", "1"));
});

test("conversations spread evenly over partitions, and the partition of a conversation never changes", () => {
  assert.deepEqual(
    ["d_a", "g_b", "x"].map((id) => partitionOf(id, 16)),
    ["d_a", "g_b", "x"].map((id) => partitionOf(id, 16)),
  );
  assert.equal(partitionOf("d_6wOOi6zIyTxvW3ZL227Fd1zTIr", 16), 11);
  const counts = new Map<number, number>();
  for (let i = 0; i < 16_000; i += 1) {
    const partition = partitionOf(directConversation(`u${i}`, "x"), 16);
    counts.set(partition, (counts.get(partition) ?? 0) + 1);
  }
  assert.ok(
    counts.size === 16 && [...counts.values()].every((count) => count > 850 && count < 1_150),
    [...counts.values()].join(" "),
  );
});
