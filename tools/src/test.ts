import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";
import { ROOT } from "@jichat/testkit/cache.ts";
import { show } from "@jichat/testkit/exec.ts";
import { prepareUws } from "@jichat/testkit/glibc.ts";
import { UserError, main, say } from "@jichat/testkit/say.ts";
import { compileCache } from "./test/compile-cache.ts";
import { nodeTests } from "./test/node-tests.ts";
import { needsServers, prepare } from "./test/prepare.ts";

interface Stage {
  readonly name: string;
  readonly what: string;
  readonly run: () => Promise<boolean>;
  /** Takes too long for the default run: it runs only when it is named. */
  readonly isNightly?: true;
}

const bin = (name: string): string => join(ROOT, "node_modules/.bin", name);

const program = async (path: string, args: readonly string[]): Promise<boolean> =>
  (await show(path, args, { cwd: ROOT, env: process.env })) === 0;

/**
 * How many test files with servers run at once. Most of them wait most of the time: on two cores two together
 * leave 40 % idle. Each may take 1.5 GB.
 */
const AT_ONCE = Math.min(4, availableParallelism());

/** They assert how long something takes, or need both cores: nothing runs beside them. */
const ALONE = {
  integration: ["operator/test/many.test.ts"],
  faults: ["drain", "early-takeover", "flood", "networks", "redis-outage", "rolling-restart", "storm"].map(
    (name) => `e2e/test/${name}.test.ts`,
  ),
} as const;

const STAGES: readonly Stage[] = [
  {
    name: "types",
    what: "types",
    // react/ has React's own types, and everything else has Preact's under the same names.
    run: async () => (await program(bin("tsc"), ["-p", "."])) && program(bin("tsc"), ["-p", "react"]),
  },
  {
    name: "format",
    what: "layout, by the formatter (npx oxfmt repairs it)",
    run: async () => program(bin("oxfmt"), ["--check"]),
  },
  {
    name: "lint",
    what: "lint, type-aware",
    run: async () => program(bin("oxlint"), ["--type-aware", "--deny-warnings"]),
  },
  {
    name: "tidy",
    what: "the rules of the project",
    run: async () => nodeTests({ patterns: ["tools/tidy/*.test.ts"], atOnce: 1 }),
  },
  {
    name: "openapi",
    what: "the OpenAPI document: Redocly, Spectral, and types that are made of it",
    run: async () => nodeTests({ patterns: ["api/src/openapi.test.ts"], atOnce: 1 }),
  },
  {
    name: "unit",
    what: "what needs no server, and the simulation",
    run: async () => nodeTests({ patterns: ["{*,lib/*}/src/**/*.test.ts"], atOnce: 2 }),
  },
  {
    name: "integration",
    what: "the parts on real NATS, Redis and ClickHouse",
    run: async () =>
      nodeTests({
        patterns: ["{lib/*,router,storage,connector,api,operator,push,testkit,tools}/test/**/*.test.ts"],
        atOnce: AT_ONCE,
        alone: ALONE.integration,
      }),
  },
  {
    name: "faults",
    what: "whole clusters of processes under faults, judged by the ledger",
    run: async () => nodeTests({ patterns: ["e2e/test/**/*.test.ts"], atOnce: AT_ONCE, alone: ALONE.faults }),
  },
  {
    name: "hostile",
    what: "strangers who send invalid input, beside people who talk (HOSTILE_SECONDS= HOSTILE_SEED=)",
    run: async () => nodeTests({ patterns: ["e2e/hostile/**/*.test.ts"], atOnce: 1 }),
  },
  {
    name: "matrix",
    what: "every fault on every part, each on a host of its own; needs root (FAULTS_SEEDS= FAULTS_ONLY=)",
    run: async () => nodeTests({ patterns: ["e2e/faults/matrix.test.ts"], atOnce: 1 }),
    isNightly: true,
  },
  {
    name: "away",
    what: "who is away hears of each of 10,000 messages, under faults and after an hour without provider",
    run: async () => nodeTests({ patterns: ["e2e/faults/push*.test.ts"], atOnce: 1 }),
    isNightly: true,
  },
  {
    name: "days",
    what: "10,000 random days of connectors that come and go (SCALE_DAYS= SCALE_SEED=)",
    run: async () => {
      process.env["SCALE_DAYS"] ??= "10000";
      return nodeTests({ patterns: ["operator/src/scale/simulation/days.test.ts"], atOnce: 1 });
    },
    isNightly: true,
  },
  {
    name: "kubernetes",
    what: "a real Kubernetes: images, chart, operator, and people who talk meanwhile",
    run: async () => program(process.execPath, [join(ROOT, "e2e/src/cluster/main.ts")]),
  },
  {
    name: "page",
    what: "the page in Chromium",
    run: async () => nodeTests({ patterns: ["web/test/**/*.test.ts"], atOnce: AT_ONCE }),
  },
  {
    name: "docs",
    what: "the documentation as a site",
    run: async () => program(process.execPath, [join(ROOT, "docs/src/site.ts")]),
  },
];

const GROUPS: Readonly<Record<string, readonly string[]>> = {
  check: ["types", "format", "lint", "tidy", "openapi"],
  e2e: ["faults", "kubernetes"],
};

await main(async () => {
  const asked = process.argv.slice(2).flatMap((name) => GROUPS[name] ?? [name]);
  const unknown = asked.find((name) => !STAGES.some((stage) => stage.name === name));
  if (unknown !== undefined)
    throw new UserError(
      `there is no stage ${unknown}: the stages are ${STAGES.map(({ name }) => name).join(", ")}`,
    );
  const stages = STAGES.filter(({ name, isNightly }) =>
    asked.length === 0 ? isNightly !== true : asked.includes(name),
  );
  process.env["NODE_COMPILE_CACHE"] ??= compileCache();
  await prepareUws();
  // Beside the first stages, which need nothing of it.
  const prepared = prepare(stages.map(({ name }) => name));
  prepared.catch(() => undefined); // It is told by the first stage that waits for it.
  const failed: string[] = [];
  const folder = mkdtempSync(join(tmpdir(), "jichat-failures-"));
  const failures = join(folder, "failures");
  process.env["TEST_FAILURES_FILE"] = failures;
  for (const [index, { name, what, run }] of stages.entries()) {
    if (needsServers(name)) await prepared;
    say(`[${index + 1}/${stages.length}] ${name}: ${what}`);
    const started = performance.now();
    const passed = await run();
    say(
      `[${index + 1}/${stages.length}] ${name} ${passed ? "passed" : "FAILED"} in ${((performance.now() - started) / 1_000).toFixed(0)} s`,
    );
    if (!passed) failed.push(name);
  }
  // Whoever sees only the end of a long log sees what failed, and why.
  if (existsSync(failures)) process.stderr.write(`\n${readFileSync(failures, "utf8")}\n`);
  rmSync(folder, { recursive: true, force: true });
  if (failed.length > 0) throw new UserError(`failed: ${failed.join(", ")}`);
  say("all passed");
});
// After Ctrl-C or a failure, what is still being fetched is not waited for.
process.exit();
