import assert from "node:assert/strict";
import { test } from "node:test";
import type { Command } from "@jichat/conversation/command.ts";
import { WHERE } from "@jichat/conversation/command.ts";
import { EMPTY_APPEND_EVERY_MS, Readers, isReading } from "./readers.ts";

test("the first reader is due at once, and the next one after the time between two appends", () => {
  const readers = new Readers<string>();
  assert.equal(readers.dueInMs(0), undefined);
  readers.add("ann");
  assert.equal(readers.dueInMs(0), 0);
  assert.deepEqual(readers.takeAll(), ["ann"]);
  readers.emptyAppend(0);
  assert.equal(readers.dueInMs(0), undefined);

  readers.add("bob");
  assert.equal(readers.dueInMs(1), EMPTY_APPEND_EVERY_MS - 1);
  readers.add("cec");
  assert.equal(readers.dueInMs(EMPTY_APPEND_EVERY_MS - 1), 1);
  assert.equal(readers.dueInMs(EMPTY_APPEND_EVERY_MS), 0);
  assert.deepEqual(readers.takeAll(), ["bob", "cec"]);
});

test("an append of other commands answers all readers, and delays no empty append", () => {
  const readers = new Readers<string>();
  readers.emptyAppend(0);
  readers.add("ann");
  assert.deepEqual(readers.takeAll(), ["ann"]);
  readers.add("bob");
  assert.equal(readers.dueInMs(EMPTY_APPEND_EVERY_MS), 0);
});

test("a command counts as reading if it can store nothing", () => {
  const source = { conversation: "g_1", user: "ann", device: "d", session: "s" };
  const look: Command = { ...source, op: "look" };
  assert.equal(isReading([WHERE, look]), true);
  assert.equal(isReading([look, { ...source, op: "read", seq: 1 }]), false);
  assert.equal(isReading([look, { ...source, op: "leave", id: "x" }]), false);
});
