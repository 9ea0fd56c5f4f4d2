import { appendFileSync } from "node:fs";
import type { TestEvent } from "node:test/reporters";

const LINES_MAX = 16;

/**
 * A reporter of Node's test runner. It shows nothing, and appends each failed test, with the beginning of its
 * error, to the file TEST_FAILURES_FILE, for the end of a run of many stages.
 */
export default async function* failures(source: AsyncIterable<TestEvent>): AsyncGenerator<string> {
  const to = process.env["TEST_FAILURES_FILE"];
  for await (const { type, data } of source) {
    // A test that failed since a part of it did is told by that part.
    if (to === undefined || type !== "test:fail" || isOfParts(data.details.error)) continue;
    appendFileSync(to, `${failureText(data.file ?? "", data.name, data.details.error)}\n`);
    yield "";
  }
}

const isOfParts = (error: Error): boolean => "failureType" in error && error.failureType === "subtestsFailed";

function failureText(file: string, name: string, error: Error): string {
  const cause = error.cause instanceof Error ? error.cause : error;
  const lines = (cause.stack ?? cause.message).split("\n").slice(0, LINES_MAX);
  return [`✖ ${name} (${file})`, ...lines.map((line) => `    ${line}`)].join("\n");
}
