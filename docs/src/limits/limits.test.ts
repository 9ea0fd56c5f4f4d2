import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { ERRORS } from "@jichat/protocol/errors.ts";
import * as limits from "@jichat/protocol/limits.ts";
import { API_LIMITS, CONNECTOR_LIMITS } from "@jichat/operator/crd/limits.ts";
import { ROOT } from "@jichat/testkit/cache.ts";
import { constant } from "./constant.ts";
import { SECTIONS, limitsPage } from "./page.ts";
import { shown, shownRange } from "./row.ts";
import { settingOf } from "./settings.ts";

const read = (path: string): string => readFileSync(join(ROOT, path), "utf8");
const rows = SECTIONS.flatMap(({ rows }) => rows);

test("docs/limits.md equals what the code has", () => {
  assert.equal(read("docs/limits.md"), limitsPage(), "docs/limits.md is old: run make docs");
});

test("a constant is read from the text as the program has it, and one that is gone is an error", () => {
  const { FRAME_BYTES_MAX, EDIT_WINDOW_MS, ID_CLOCK_SKEW_MS } = limits;
  const path = "lib/protocol/src/limits.ts";
  for (const [name, value] of Object.entries({ FRAME_BYTES_MAX, EDIT_WINDOW_MS, ID_CLOCK_SKEW_MS }))
    assert.equal(constant(path, name), value);
  assert.throws(() => constant(path, "NONE_MAX"), /has no constant NONE_MAX/);
});

test("a setting has the default, the range and the field that the component and the operator have", () => {
  assert.deepEqual(settingOf("connector", "FRAMES_PER_SECOND"), {
    variable: "FRAMES_PER_SECOND",
    fallback: 200,
    least: 1,
    most: 100_000_000,
    field: "connectors.limits.framesPerSecond",
  });
  assert.equal(settingOf("connector", "LOG_BYTES_MAX").field, "retention.logBytesPerPartition");
  assert.throws(() => settingOf("api", "SOCKETS_MAX"), /api does not say the range of SOCKETS_MAX/);
});

/** Read as integers, and no limits. */
const NO_LIMITS = new Set(["PORT"]);

test("every number that a connector or the api reads from its environment has a row", () => {
  const variables = ["connector/src/config.ts", "api/src/config.ts", "lib/identity/src/people-config.ts"]
    .flatMap((path) => [...read(path).matchAll(/reader\.int\("(\w+)"/g)])
    .map(([, variable = ""]) => variable);
  assert.ok(variables.length > 15);
  const named = new Set(rows.map(({ setting }) => setting?.variable));
  assert.deepEqual(
    variables.filter((variable) => !named.has(variable) && !NO_LIMITS.has(variable)),
    [],
  );
  const fields = new Set(rows.map(({ setting }) => setting?.field));
  const wanted = [
    ...Object.keys(CONNECTOR_LIMITS).map((name) => `connectors.limits.${name}`),
    ...Object.keys(API_LIMITS).map((name) => `api.limits.${name}`),
  ];
  assert.deepEqual(
    wanted.filter((field) => !fields.has(field)),
    [],
  );
});

test("every field that a row names is a field of a ChatCluster, with the default of its variable or none", () => {
  const reference = read("docs/chat-cluster.md");
  for (const { setting } of rows) {
    if (setting?.field === undefined) continue;
    const row = reference.split("\n").find((line) => line.startsWith(`| \`${setting.field}\` | integer`));
    assert.ok(row !== undefined, setting.field);
    const said = row.split("|")[3]?.replaceAll(/[` ]/g, "") ?? "";
    assert.ok(said === "" || Number(said) === setting.fallback, `${setting.field} has the default ${said}`);
  }
});

/** Bounds of what processes tell one another. No client meets them. */
const INSIDE = new Set([
  "MEMBERS_PAGE_MAX",
  "ANSWER_BYTES_MAX",
  "BATCH_BYTES_MAX",
  "REQUEST_BYTES_MAX",
  "READERSHIP_BYTES_MAX",
  "COMMANDS_PER_BATCH_MAX",
  "SEND_GATE_MS",
]);

test("every bound of the protocol has a row, unless no client meets it", () => {
  const sources = ["content", "accounts"].map((name) => read(`docs/src/limits/${name}.ts`)).join("");
  const missing = Object.keys(limits).filter((name) => !sources.includes(`"${name}"`) && !INSIDE.has(name));
  assert.deepEqual(missing, []);
});

test("every code that the page names exists", () => {
  const codes = [...limitsPage().matchAll(/`([A-Z]+(?:_[A-Z]+)*)`/g)].map(([, code = ""]) => code);
  const variables = new Set([...rows.map(({ setting }) => setting?.variable), "TRUST_PROXY", "CLUSTER_KEY"]);
  assert.deepEqual(
    codes.filter((code) => !Object.hasOwn(ERRORS, code) && !variables.has(code)),
    [],
  );
});

/** What other pages say in words, by the constant that it comes from. */
const SAID_ELSEWHERE = [
  ["offline", (n: number) => `silent for ${n / 1_000} s`, "client/src/liveness.ts", "DEAD_MS"],
  ["offline", (n: number) => `${n / 1_000} s at first`, "client/src/backoff.ts", "FIRST_MS"],
  ["offline", (n: number) => `${n / 1_000} s at most`, "client/src/backoff.ts", "MAX_MS"],
  ["offline", (n: number) => `${n.toLocaleString("en")} at most`, "client/src/chat/sends.ts", "PENDING_MAX"],
  [
    "offline",
    (n: number) => `**${n} at once** per user`,
    "lib/presence/src/arrivals.ts",
    "DEVICES_PER_USER_MAX",
  ],
  ["faq", (n: number) => `[${n / 1_024} KiB]`, "lib/protocol/src/limits.ts", "BODY_BYTES_MAX"],
  ["faq", (n: number) => `[${n.toLocaleString("en")}]`, "lib/protocol/src/limits.ts", "GROUP_MEMBERS_MAX"],
  [
    "errors",
    (n: number) => `${n.toLocaleString("en")} members`,
    "lib/protocol/src/limits.ts",
    "GROUP_MEMBERS_MAX",
  ],
  ["compare", (n: number) => `a body has ${n / 1_024} KiB`, "lib/protocol/src/limits.ts", "BODY_BYTES_MAX"],
  [
    "compare",
    (n: number) => `[${n.toLocaleString("en")}](`,
    "lib/protocol/src/limits.ts",
    "GROUP_MEMBERS_MAX",
  ],
] as const;

test("other pages say the same numbers", () => {
  for (const [page, say, path, name] of SAID_ELSEWHERE) {
    const said = say(constant(path, name));
    assert.ok(
      read(`docs/${page}.md`).replaceAll(/\s+/g, " ").includes(said),
      `docs/${page}.md does not say "${said}"`,
    );
  }
});

test("numbers are written in the largest unit that leaves them whole", () => {
  assert.equal(shown(65_536, "bytes"), "64 KiB");
  assert.equal(shown(8_192, "bytes"), "8 KiB");
  assert.equal(shown(16_000, "bytes"), "16,000 bytes");
  assert.equal(shown(86_400_000, "ms"), "24 h");
  assert.equal(shown(3_600_000, "ms"), "1 h");
  assert.equal(shown(31 * 86_400_000, "ms"), "31 days");
  assert.equal(shown(15_000, "ms"), "15 s");
  assert.equal(shown(1_000, "ms"), "1 s");
  assert.equal(shown(250, "ms"), "250 ms");
  assert.equal(shown(128, "code points"), "128 code points");
  assert.equal(shown(0.2, "a second"), "0.2 a second");
  assert.equal(shownRange(1, 5_000, "a second"), "1 to 5,000 a second");
  assert.equal(shownRange(0, 1_048_576, "bytes"), "0 bytes to 1 MiB");
});
