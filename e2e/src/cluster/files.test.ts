import assert from "node:assert/strict";
import { globSync } from "node:fs";
import { test } from "node:test";
import { ROOT } from "@jichat/testkit/cache.ts";
import { filesToRun, roundsOf } from "./files.ts";

const ALL = ["e2e/cluster/5-changes.test.ts", "e2e/cluster/2-operator.test.ts", "e2e/cluster/1-chat.test.ts"];

test("the first two files run by day, all files by night, and a named file at any time", () => {
  const [changes = "", operator = "", chat = ""] = ALL;
  assert.deepEqual(filesToRun(ALL, { only: "", isNight: false }), [chat, operator]);
  assert.deepEqual(filesToRun(ALL, { only: "", isNight: true }), [chat, operator, changes]);
  assert.deepEqual(filesToRun(ALL, { only: "5-changes", isNight: false }), [changes]);
  assert.deepEqual(filesToRun(ALL, { only: "chat,changes", isNight: true }), [chat, changes]);
  assert.deepEqual(filesToRun(ALL, { only: "nothing", isNight: true }), []);
  const node = "e2e/cluster/scale/node.test.ts";
  assert.deepEqual(filesToRun([...ALL, node], { only: "scale/node", isNight: false }), [node]);
});

test("the existing scenarios belong to the day and to the night", () => {
  const there = globSync("e2e/cluster/**/*.test.ts", { cwd: ROOT });
  const daily = filesToRun(there, { only: "", isNight: false });
  assert.equal(daily.length, 2, daily.join(" "));
  assert.ok(filesToRun(there, { only: "", isNight: true }).length > daily.length);
});

test("files that need three nodes have a cluster of their own, after the others", () => {
  const [changes = "", operator = ""] = ALL;
  const node = "e2e/cluster/scale/node.test.ts";
  assert.deepEqual(roundsOf([operator, changes, node], 1), [
    { nodes: 1, files: [operator, changes] },
    { nodes: 3, files: [node] },
  ]);
  assert.deepEqual(roundsOf([operator], 1), [{ nodes: 1, files: [operator] }]);
  assert.deepEqual(roundsOf([node], 1), [{ nodes: 3, files: [node] }]);
  assert.deepEqual(roundsOf([operator, node], 3), [{ nodes: 3, files: [operator, node] }]);
  assert.deepEqual(roundsOf([], 1), []);
});
