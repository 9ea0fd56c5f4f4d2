import assert from "node:assert/strict";
import { globSync, readFileSync } from "node:fs";
import { basename, join } from "node:path";
import { test } from "node:test";
import { ERRORS } from "@jichat/protocol/errors.ts";
import { ROOT } from "@jichat/testkit/cache.ts";

const sources = globSync("{*,lib/*}/{src,test,tidy}/**/*.{ts,tsx}", {
  cwd: ROOT,
  exclude: (name) => name.includes("node_modules"),
}).sort();
const read = (path: string): string => readFileSync(join(ROOT, path), "utf8");
const isTest = (path: string): boolean => path.endsWith(".test.ts") || path.includes("/test/");
const LINES_MAX = 300;
const COLUMNS_MAX = 110;
/** A line that is nothing but a comment: those are not what makes a file long. */
const COMMENT = /^\s*(?:\/\/|\/\*|\*)/;
/** A message for people is not cut to fit: the formatter leaves such a line as it is. */
const holdsText = (line: string): boolean => /["`]/.test(line);

test("a file that a browser loads imports nothing of Node", () => {
  const start = globSync(
    [
      "client/src/**/*.ts",
      "react/src/*.ts",
      "web/src/*.{ts,tsx}",
      "lib/conversation/src/changes.ts",
      "lib/protocol/src/{clock,errors,id-forms,limits,uuid}.ts",
      "lib/protocol/src/frame/{body,codec,fields,name,parse-json,path,readers,server-frame}.ts",
    ],
    { cwd: ROOT },
  ).filter((path) => !isTest(path));
  assert.ok(start.length > 15);
  assert.deepEqual(
    start.filter((path) => /from "node:/.test(read(path))),
    [],
  );
});

test("pure files import no client library and no node:*", () => {
  const pure = [
    "lib/conversation/src/*.ts",
    "router/src/{decide,apply,compose,conversation,partition-state,effect-unit,snapshot}.ts",
    "storage/src/{fold,tail,batched}.ts",
    "connector/src/{delivery,hub}.ts",
    "lib/edge/src/{send-gate,refused-line,command-lane,sync,loss-positions}.ts",
    "lib/runtime/src/token-bucket.ts",
    "lib/log/src/share.ts",
    "push/src/{decide,quiet,circuit,circuits,backoff,folding,lanes,judge,badges}.ts",
    "client/src/chat/{fold,row,window,conversation-book,remembered}.ts",
    "client/src/{timeline,outbox,feed,backoff,liveness,server-clock,plain-body,checked-frame,server-frames}.ts",
  ];
  const files = globSync(pure, { cwd: ROOT }).filter((path) => !isTest(path));
  assert.ok(files.length > 30);
  assert.deepEqual(
    files.filter((path) =>
      /from "(node:|@nats-io|ioredis|@clickhouse|uWebSockets|fastify|pino)/.test(read(path)),
    ),
    [],
  );
});

test("only config files read the environment", () => {
  const readers = sources.filter(
    (path) =>
      !isTest(path) && !/^(tools|testkit|e2e|bench|docs)\//.test(path) && /process\.env/.test(read(path)),
  );
  // Each main hands its environment to its config, and that is all.
  assert.deepEqual(
    readers.filter((path) => !path.endsWith("/main.ts")),
    [],
  );
});

test("files and lines are short, and no name is meaningless", () => {
  const wrong = sources.flatMap((path) => {
    const lines = read(path).split("\n");
    const faults = lines.flatMap((line, index) =>
      line.length > COLUMNS_MAX && !isTest(path) && !holdsText(line)
        ? [`${path}:${index + 1} has ${line.length} columns`]
        : [],
    );
    const code = lines.filter((line) => !COMMENT.test(line)).length - 1;
    if (!isTest(path) && code > LINES_MAX) faults.push(`${path} has ${code} lines beside its comments`);
    if (/(^|-)(utils?|helpers?|common|manager|base|misc)(-|\.)/.test(basename(path)))
      faults.push(`${path} says nothing`);
    return faults;
  });
  assert.deepEqual(wrong, []);
});

/** Node's test runner takes a reporter from a default export. */
const REPORTER = "testkit/src/failure-reporter.ts";

test("no test is skipped, no catch is empty, and there is no default export", () => {
  const wrong = sources.flatMap((path) => {
    const text = read(path);
    const faults: string[] = [];
    if (
      isTest(path) &&
      !path.startsWith("tools/tidy/") &&
      /\b(test|it|describe)\.(skip|only|todo)\b|\{ *skip:/.test(text)
    )
      faults.push(`${path} skips a test`);
    if (/catch *(\([^)]*\))? *\{\s*\}/.test(text)) faults.push(`${path} swallows an error`);
    if (/^export default /m.test(text) && path !== REPORTER) faults.push(`${path} exports a default`);
    return faults;
  });
  assert.deepEqual(wrong, []);
});

test("docs/errors.md lists the codes of the table with HTTP status and disposition", () => {
  const rows = [...read("docs/errors.md").matchAll(/^\| `([A-Z_]+)` \| (\d+) \| (\w+) \|/gm)].map(
    ([, code, http, then]) => [code, Number(http), then],
  );
  assert.deepEqual(
    rows,
    Object.entries(ERRORS).map(([code, { http, disposition }]) => [code, http, disposition]),
  );
});

test("every first page says where the SDK runs, as its README does", () => {
  const rows = [
    ...read("client/README.md").matchAll(/^\| (Node\.js|Chrome and Edge|Firefox|Safari) \| ([\d.]+)/gm),
  ];
  assert.equal(rows.length, 4);
  const first = ["README.md", "docs/index.md", "docs/getting-started.md", "docs/add-chat.md"];
  for (const page of first)
    for (const [, where, version] of rows)
      assert.ok(read(page).replaceAll("\n", " ").includes(`${where} from ${version}`), `${page}: ${where}`);
});

test("docs/configuration.md names every key that is read, and no other", () => {
  const text = globSync(
    [
      "*/src/config.ts",
      "lib/*/src/{process-config,log-settings,backend-tls}.ts",
      "{lib/identity,lib/edge,connector}/src/*-config.ts",
    ],
    { cwd: ROOT },
  )
    .map(read)
    .join("\n");
  const keys = new Set([...text.matchAll(/reader\.\w+\(\s*"([A-Z_]+)"/g)].map(([, key]) => key ?? ""));
  assert.ok(keys.size > 35);
  const documented = new Set(
    [...read("docs/configuration.md").matchAll(/^\| (`[A-Z_`, ]+`) \|/gm)].flatMap(([, cell]) =>
      [...(cell ?? "").matchAll(/`([A-Z_]+)`/g)].map(([, key]) => key ?? ""),
    ),
  );
  assert.deepEqual([...documented].sort(), [...keys].sort());
});

test("docs/metrics.md names every metric, and no other", () => {
  const names = new Set(
    sources
      .filter((path) => !isTest(path))
      .flatMap((path) =>
        [...read(path).matchAll(/(?:counter|histogram|gauge)\(\s*"(jichat_\w+)"/g)].map(
          ([, name]) => name ?? "",
        ),
      ),
  );
  const documented = new Set(
    [...read("docs/metrics.md").matchAll(/^\| `(jichat_\w+)` \|/gm)].map(([, name]) => name ?? ""),
  );
  assert.ok(names.size > 25);
  assert.deepEqual([...documented].sort(), [...names].sort());
});

test("no name of a registry and no path of one machine is in the project", () => {
  const files = globSync(["**/*.{ts,tsx,md,json,sh,css,html}", "Makefile", ".ci/run", ".npmrc"], {
    cwd: ROOT,
    exclude: (name) => /node_modules|\.data|web\/dist/.test(name),
  });
  const foreign = /registry\.(npmjs|yarnpkg)|pypi\.org|deb\.debian\.org|proxy\.golang|"\/(root|home|work)\//;
  assert.deepEqual(
    files.filter((path) => path !== "tools/tidy/tidy.test.ts" && foreign.test(read(path))),
    [],
  );
});
