import assert from "node:assert/strict";
import { test } from "node:test";
import type { QueuedMessage } from "@jichat/protocol/bus/push.ts";
import { decodePushEntries } from "@jichat/protocol/bus/push.ts";
import { PUSH_MESSAGE_BYTES_MAX, entryBytesMax, packed, textsOf } from "./push-texts.ts";

const message = (to: readonly string[], more: Partial<QueuedMessage> = {}): QueuedMessage => ({
  is: "message",
  conversation: "g_1",
  seq: 7,
  no: 6,
  from: "ann",
  ts: 1_800_000_000_000,
  members: to.length + 1,
  ...more,
  to,
});
const bytesOf = (entry: QueuedMessage): number => Buffer.byteLength(JSON.stringify(entry));
const read = (texts: readonly { text: string }[]): QueuedMessage[] =>
  texts.map(({ text }) => JSON.parse(text) as QueuedMessage);

test("an entry at the bound stays whole, and one byte past it is cut, by its encoded size", () => {
  const entry = message(["bob", "cem", "dov"], { preview: "你好 🙂" });
  const bytes = bytesOf(entry);
  assert.deepEqual(read(textsOf(entry, bytes)), [entry]);
  const parts = read(textsOf(entry, bytes - 1));
  assert.deepEqual(
    parts.map(({ to }) => to),
    [["bob", "cem"], ["dov"]],
  );
  for (const part of parts) assert.deepEqual({ ...part, to: entry.to }, entry);
});

test("a message to a thousand long names is cut into entries that fit, and nobody is left out or named twice", () => {
  const to = Array.from({ length: 1_000 }, (_, index) => String(index).padStart(64, "u"));
  const mentions = to.filter((_, index) => index % 3 === 0);
  const preview = "\u0001".repeat(200); // Six bytes each.
  const entry = message(to, { mentions, preview, name: "名".repeat(128) });
  const bytesMax = entryBytesMax(PUSH_MESSAGE_BYTES_MAX);
  const texts = textsOf(entry, bytesMax);
  for (const { text, bytes } of texts) {
    assert.equal(bytes, Buffer.byteLength(text));
    assert.ok(bytes <= bytesMax);
  }
  const parts = read(texts);
  assert.ok(parts.length > 1);
  assert.deepEqual(
    parts.flatMap((part) => part.to),
    to,
  );
  assert.deepEqual(
    parts.flatMap((part) => part.mentions ?? []),
    mentions,
  );
  for (const part of parts) assert.ok((part.mentions ?? []).every((user) => part.to.includes(user)));
});

test("an entry has a recipient even where there is no room for one, so that cutting ends", () => {
  assert.deepEqual(
    read(textsOf(message(["bob", "cem"]), 10)).map(({ to }) => to),
    [["bob"], ["cem"]],
  );
});

test("entries share messages up to the bound, in order", () => {
  const entries = Array.from({ length: 500 }, (_, index) => message(["bob"], { seq: index + 1 }));
  const texts = entries.flatMap((entry) => textsOf(entry, 1_000));
  const messages = packed(texts, 4_096);
  assert.ok(messages.length < 60 && messages.length > 10);
  for (const bytes of messages) assert.ok(bytes.length <= 4_096);
  assert.deepEqual(
    messages.flatMap((bytes) => decodePushEntries(bytes)),
    entries,
  );
  assert.deepEqual(packed([], 4_096), []);

  const two = texts.slice(0, 2);
  const exact = packed(two, 1_000_000)[0]?.length ?? 0;
  const bound = two.reduce((sum, { bytes }) => sum + bytes + 1, 32);
  assert.ok(exact <= bound);
  assert.equal(packed(two, bound).length, 1);
  assert.equal(packed(two, bound - 1).length, 2);
});
