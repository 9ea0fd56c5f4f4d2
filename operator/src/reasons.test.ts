import assert from "node:assert/strict";
import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { FAULTS } from "@jichat/protocol/faults.ts";

const source = globSync("**/*.ts", { cwd: import.meta.dirname })
  // The autoscaler's reasons are of no condition.
  .filter((path) => !path.endsWith(".test.ts") && path !== "scale/autoscaler.ts")
  .map((path) => readFileSync(join(import.meta.dirname, path), "utf8"))
  .join("\n");
const page = readFileSync(join(import.meta.dirname, "../../docs/kubernetes.md"), "utf8");

/** Where a reason is no word of its own in the source: what it is then is one of those below. */
const COMPUTED = new Set([
  "reason",
  'streams.fault ?? "Differ"',
  "streams.fault",
  "worst.fault", // Of those that components tell.
  "fault.reason",
  "REASONS[last.outcome]", // Of a talk, by its step.
]);
const WORDS = [
  /\b(?:yes|no|unknown|held|SpecError)\(\s*"(\w+)"/g,
  /\b(?:reason|fault): "(\w+)"/g,
  /\bfault \?\? "(\w+)"/g,
  /^ +\w+: "(\w+Fails)",$/gm,
  /\bconst reason = [^;]*\? "(\w+)"/g,
  /\bconst reason = [^;]*: "(\w+)"/g,
];

/** Every reason that conditions and Events carry. */
const REASONS = new Set<string>([
  ...FAULTS,
  ...WORDS.flatMap((word) => [...source.matchAll(word)].map(([, reason = ""]) => reason)),
]);

test("every reason that the operator writes is in the source", () => {
  for (const known of [
    "LogLost",
    "CredentialsRefused",
    "Unreachable",
    "SecretMissing",
    "NotServed",
    "KeptByAnother",
  ])
    assert.ok(REASONS.has(known), known);
  const computed = [...source.matchAll(/(?<![.\w])(?:yes|no|unknown)\(\s*([^"\s)][^,]*),/g)].map(
    ([, what = ""]) => what,
  );
  assert.deepEqual(
    computed.filter((what) => !COMPUTED.has(what)),
    [],
    "a reason that is computed another way: let this test see what it may be",
  );
});

test("docs/kubernetes.md explains each reason, and no other", () => {
  const from = page.indexOf("## When a condition says no");
  const section = page.slice(from, page.indexOf("\n## ", from + 1));
  const undescribed = [...REASONS].filter((reason) => !section.includes(`\`${reason}\``));
  assert.deepEqual(undescribed, []);
  const described = [...section.matchAll(/^\|[^|]*\| `(\w+)` \|/gm)].map(([, reason = ""]) => reason);
  assert.ok(described.length > 25);
  assert.deepEqual(
    described.filter((reason) => !REASONS.has(reason)),
    [],
  );
});
