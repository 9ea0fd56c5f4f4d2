import { after } from "node:test";
import { say } from "./say.ts";

/**
 * After a file's tests, everything that they opened must close within this time, including their last hooks.
 */
const LINGER_MS = 60_000;

// Imported before each test file. A socket that is left open would otherwise keep the file, and the stage,
// running for ever.
if (process.env["NODE_TEST_CONTEXT"] !== undefined)
  after(() => {
    setTimeout(() => {
      const held = [...new Set(process.getActiveResourcesInfo())].join(", ");
      say(
        `${process.argv[1] ?? "a test"}: the tests are over, but the process does not end: ${held} still open`,
      );
      process.exit(1);
    }, LINGER_MS).unref();
  });
