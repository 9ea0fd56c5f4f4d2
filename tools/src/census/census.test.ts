import assert from "node:assert/strict";
import { test } from "node:test";
import { censusOf, sum } from "./census.ts";

const SOURCE = `import { a } from "./a.ts";

/** One line. */
export function first(): void {
  if (a) return; // Not a line of comment.
}

/**
 * Four lines,
 * with a function() in them.
 */
const second = (x: number): number => x;
const third = 3;

class Thing {
  // A line.
  async #method(x: number): Promise<void> {
    call(x);
  }

  get size(): number {
    return 1;
  }
}
`;

test("the census counts lines, lines of comment and named functions", () => {
  assert.deepEqual(censusOf(SOURCE), { lines: 24, comments: 6, functions: 4, tests: 0 });
});

test("the census counts tests, and adds up the counts of several files", () => {
  const text = 'test("one", () => {});\ntest(\n  `two`,\n  () => {},\n);\ncontest("three");\n';
  const one = censusOf(text);
  assert.equal(one.tests, 2);
  assert.deepEqual(sum(one, one), { lines: 12, comments: 0, functions: 0, tests: 4 });
});
