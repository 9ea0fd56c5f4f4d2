import { after } from "node:test";
import { say } from "./say.ts";

/** A file's tests are over; what it opened has this long to be gone, its own last hooks included. */
const LINGER_MS = 60_000;

// Imported before each test file. A socket that nobody closed would keep the file, and the stage, for ever.
if (process.env["NODE_TEST_CONTEXT"] !== undefined)
  after(() => {
    setTimeout(() => {
      const held = [...new Set(process.getActiveResourcesInfo())].join(", ");
      say(`${process.argv[1] ?? "a test"}: its tests are over, but it does not end: ${held} still open`);
      process.exit(1);
    }, LINGER_MS).unref();
  });
