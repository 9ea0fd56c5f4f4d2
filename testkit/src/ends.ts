import { appendFileSync } from "node:fs";
import { after } from "node:test";
import { say } from "./say.ts";

/**
 * After a file's tests, everything that they opened must close within this time, including their last hooks.
 */
const LINGER_MS = 60_000;

const { NODE_TEST_CONTEXT, TEST_SECONDS_FILE } = process.env;

// Imported before each test file, in the file's own process and in the runner's, which has no context.
if (NODE_TEST_CONTEXT !== undefined) {
  endSoon();
  if (TEST_SECONDS_FILE !== undefined) noteSeconds(TEST_SECONDS_FILE);
}

/** A socket that is left open would otherwise keep the file, and the stage, running for ever. */
function endSoon(): void {
  after(() => {
    setTimeout(() => {
      const held = [...new Set(process.getActiveResourcesInfo())].join(", ");
      say(
        `${process.argv[1] ?? "a test"}: the tests are over, but the process does not end: ${held} still open`,
      );
      process.exit(1);
    }, LINGER_MS).unref();
  });
}

/** Appends how long the file took, for the list that its stage prints: the process has this one file. */
function noteSeconds(to: string): void {
  process.once("exit", () => {
    appendFileSync(to, `${(performance.now() / 1_000).toFixed(1)} ${process.argv[1] ?? ""}\n`);
  });
}
