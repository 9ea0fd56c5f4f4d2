import { fileURLToPath } from "node:url";

const FAILURES = fileURLToPath(new URL("failure-reporter.ts", import.meta.url));

/** Arguments of Node's test runner: results for people, and the failures for the end of the run. */
export const reporterArgs = (): readonly string[] => [
  "--test-reporter=spec",
  "--test-reporter-destination=stdout",
  `--test-reporter=${FAILURES}`,
  "--test-reporter-destination=stderr",
];
