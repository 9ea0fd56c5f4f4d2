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

test("lines, lines of comment and functions that have a name are counted", () => {
  assert.deepEqual(censusOf(SOURCE), { lines: 24, comments: 6, functions: 4, tests: 0 });
});

test("tests are counted, and what several files hold adds up", () => {
  const text = 'test("one", () => {});\ntest(\n  `two`,\n  () => {},\n);\ncontest("three");\n';
  const one = censusOf(text);
  assert.equal(one.tests, 2);
  assert.deepEqual(sum(one, one), { lines: 12, comments: 0, functions: 0, tests: 4 });
});
