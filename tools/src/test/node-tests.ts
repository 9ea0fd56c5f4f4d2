import { globSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ROOT } from "@jichat/testkit/cache.ts";
import { show } from "@jichat/testkit/exec.ts";
import { UserError, say } from "@jichat/testkit/say.ts";
import { reporterArgs } from "@jichat/testkit/test-reporters.ts";
import { readFileSeconds, slowestLines } from "./file-seconds.ts";

/** Which test files a stage has, and how many of them run at once. */
export interface TestFiles {
  readonly patterns: readonly string[];
  readonly atOnce: number;
  /** Files beside which nothing runs, since they assert how long something takes. They run after the others. */
  readonly alone?: readonly string[];
}

/** Runs Node's test runner, and prints the slowest files. Resolves with whether all tests passed. */
export async function nodeTests({ patterns, atOnce, alone = [] }: TestFiles): Promise<boolean> {
  const found = globSync(patterns, { cwd: ROOT, exclude: (name) => name.includes("node_modules") }).sort();
  if (found.length === 0) throw new UserError(`no test matches ${patterns.join(" ")}`);
  const missing = alone.filter((file) => !found.includes(file));
  if (missing.length > 0) throw new UserError(`there is no test file ${missing.join(", ")} to run alone`);
  const folder = mkdtempSync(join(tmpdir(), "jichat-test-"));
  const secondsFile = join(folder, "seconds");
  writeFileSync(secondsFile, "");
  try {
    const together = found.filter((file) => !alone.includes(file));
    const first = together.length === 0 || (await run(together, atOnce, secondsFile));
    const second = alone.length === 0 || (await run(alone, 1, secondsFile));
    const slowest = slowestLines(readFileSeconds(readFileSync(secondsFile, "utf8")), ROOT);
    if (slowest.length > 0) say(`the slowest of ${found.length} files:`);
    for (const line of slowest) say(line);
    return first && second;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function run(files: readonly string[], atOnce: number, secondsFile: string): Promise<boolean> {
  const args = [
    "--test",
    `--import=${join(ROOT, "testkit/src/ends.ts")}`,
    `--test-concurrency=${atOnce}`,
    ...reporterArgs(),
    ...files,
  ];
  const env = { ...process.env, TEST_SECONDS_FILE: secondsFile };
  return (await show(process.execPath, args, { cwd: ROOT, env })) === 0;
}
