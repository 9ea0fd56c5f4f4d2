import assert from "node:assert/strict";
import { test } from "node:test";
import { readFileSeconds, slowestLines } from "./file-seconds.ts";

test("the ten slowest files are listed, the slowest first, by their path from the root", () => {
  const text = Array.from(
    { length: 12 },
    (_, at) => `${at * 10}.4 /checkout/a/test/${at} of it.test.ts\n`,
  ).join("");
  const lines = slowestLines(readFileSeconds(text), "/checkout");
  assert.equal(lines.length, 10);
  assert.equal(lines[0], "  110.4 s  a/test/11 of it.test.ts");
  assert.equal(lines[9], "   20.4 s  a/test/2 of it.test.ts");
});

test("a file of less than a second gives no line, and a line that is no duration is an error", () => {
  assert.deepEqual(slowestLines(readFileSeconds(""), "/checkout"), []);
  const short = readFileSeconds("0.9 /checkout/a.test.ts\n1.0 /checkout/b.test.ts\n");
  assert.deepEqual(slowestLines(short, "/checkout"), ["    1.0 s  b.test.ts"]);
  for (const wrong of ["/checkout/a.test.ts", "12.5", "x /checkout/a.test.ts"])
    assert.throws(() => readFileSeconds(`${wrong}\n`), /not the seconds of a test file/);
});
