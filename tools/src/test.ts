import { globSync } from "node:fs";
import { join } from "node:path";
import { ROOT } from "@jichat/testkit/cache.ts";
import { show } from "@jichat/testkit/exec.ts";
import { prepareUws } from "@jichat/testkit/glibc.ts";
import { needProgram } from "@jichat/testkit/kubernetes.ts";
import {
  needChdb,
  needChromium,
  needNats,
  needNode22,
  needPromtool,
  needRedis,
  needStrace,
} from "@jichat/testkit/needs.ts";
import { UserError, main, say } from "@jichat/testkit/say.ts";

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
 * Runs Node's test runner. Files with whole clusters run one after the other, since two at once would disturb
 * each other's measurements.
 */
async function nodeTests(patterns: readonly string[], atOnce: number): Promise<boolean> {
  const files = globSync(patterns, { cwd: ROOT, exclude: (name) => name.includes("node_modules") }).sort();
  if (files.length === 0) throw new UserError(`no test matches ${patterns.join(" ")}`);
  return program(process.execPath, [
    "--test",
    `--import=${join(ROOT, "testkit/src/ends.ts")}`,
    `--test-concurrency=${atOnce}`,
    "--test-reporter=spec",
    ...files,
  ]);
}

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
  { name: "tidy", what: "the rules of the project", run: async () => nodeTests(["tools/tidy/*.test.ts"], 1) },
  {
    name: "openapi",
    what: "the OpenAPI document: Redocly, Spectral, and types that are made of it",
    run: async () => nodeTests(["api/src/openapi.test.ts"], 1),
  },
  {
    name: "unit",
    what: "what needs no server, and the simulation",
    run: async () => nodeTests(["{*,lib/*}/src/**/*.test.ts"], 2),
  },
  {
    name: "integration",
    what: "the parts on real NATS, Redis and ClickHouse",
    run: async () =>
      nodeTests(["{lib/*,router,storage,connector,api,operator,testkit,tools}/test/**/*.test.ts"], 1),
  },
  {
    name: "faults",
    what: "whole clusters of processes under faults, judged by the ledger",
    run: async () => nodeTests(["e2e/test/**/*.test.ts"], 1),
  },
  {
    name: "hostile",
    what: "strangers who send invalid input, beside people who talk (HOSTILE_SECONDS= HOSTILE_SEED=)",
    run: async () => nodeTests(["e2e/hostile/**/*.test.ts"], 1),
  },
  {
    name: "matrix",
    what: "every fault on every part, each on a host of its own; needs root (FAULTS_SEEDS= FAULTS_ONLY=)",
    run: async () => nodeTests(["e2e/faults/**/*.test.ts"], 1),
    isNightly: true,
  },
  {
    name: "kubernetes",
    what: "a real Kubernetes: images, chart, operator, and people who talk meanwhile",
    run: async () => program(process.execPath, [join(ROOT, "e2e/src/cluster/main.ts")]),
  },
  { name: "page", what: "the page in Chromium", run: async () => nodeTests(["web/test/**/*.test.ts"], 1) },
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

const NEED_SERVERS: ReadonlySet<string> = new Set([
  "integration",
  "faults",
  "hostile",
  "matrix",
  "kubernetes",
  "page",
]);

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
  if (stages.some(({ name }) => NEED_SERVERS.has(name))) {
    await needNats();
    await needRedis();
    await needChdb();
    await needStrace();
  }
  if (stages.some(({ name }) => name === "integration")) {
    await needPromtool();
    await needNode22();
    for (const program of ["etcd", "kubectl", "kube-apiserver", "helm"] as const) await needProgram(program);
  }
  if (stages.some(({ name }) => name === "page" || name === "integration")) await needChromium();
  await prepareUws();
  const failed: string[] = [];
  for (const [index, { name, what, run }] of stages.entries()) {
    say(`[${index + 1}/${stages.length}] ${name}: ${what}`);
    const started = performance.now();
    const passed = await run();
    say(
      `[${index + 1}/${stages.length}] ${name} ${passed ? "passed" : "FAILED"} in ${((performance.now() - started) / 1_000).toFixed(0)} s`,
    );
    if (!passed) failed.push(name);
  }
  if (failed.length > 0) throw new UserError(`failed: ${failed.join(", ")}`);
  say("all passed");
});
