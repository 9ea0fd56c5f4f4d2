import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { ERRORS } from "@jichat/protocol/errors.ts";
import { ROOT } from "@jichat/testkit/cache.ts";

const PAGES = [
  "browser-origins",
  "faq",
  "offline",
  "production-checklist",
  "security-checklist",
  "troubleshooting",
];
/** Other programs' own. */
const FOREIGN = new Set(["ERR_UNSUPPORTED_NODE_MODULES_TYPE_STRIPPING", "ERR_UNKNOWN_FILE_EXTENSION"]);

const read = (path: string): string => readFileSync(join(ROOT, path), "utf8");

/** What these pages have as code, outside of blocks, with the page that has it. */
const code = PAGES.flatMap((page) =>
  [
    ...read(`docs/${page}.md`)
      .replaceAll(/```[^]*?```/g, "")
      .matchAll(/`([^`\n]+)`/g),
  ].map(([, text = ""]) => ({ page, text })),
);

/** Names that match, and that `isKnown` does not know, each with its page. */
const unknown = (form: RegExp, isKnown: (name: string) => boolean): string[] => {
  const found = code.flatMap(({ page, text }) =>
    [...text.matchAll(form)].map(([, name = ""]) => ({ page, name })),
  );
  assert.ok(found.length > 3, `${form} is found ${found.length} times`);
  return found.filter(({ name }) => !isKnown(name)).map(({ page, name }) => `docs/${page}.md: ${name}`);
};

test("checklists and guides name metrics, alerts and variables that exist", () => {
  const metrics = read("docs/metrics.md");
  assert.deepEqual(
    unknown(/\b(jichat_[a-z_]+)/g, (name) => metrics.includes(`\`${name}\``)),
    [],
  );
  const alerts = read("chart/files/rules/alerts.yaml");
  assert.deepEqual(
    unknown(/\b(JiChat[A-Z]\w+)/g, (name) => alerts.includes(`alert: ${name}\n`)),
    [],
  );
  const settings = read("docs/configuration.md");
  assert.deepEqual(
    unknown(
      /\b([A-Z]+(?:_[A-Z]+)+)\b/g,
      (name) => settings.includes(`\`${name}\``) || Object.hasOwn(ERRORS, name) || FOREIGN.has(name),
    ),
    [],
  );
});

test("checklists and guides name fields and conditions of a ChatCluster that exist", () => {
  const reference = read("docs/chat-cluster.md");
  /** The reference writes out the fields of one template: those of others are the same. */
  const written = (name: string): string => {
    for (const [, other = "", one = ""] of reference.matchAll(
      /\| `([\w.]+)` \|.*\| fields as those of `([\w.]+)` \|/g,
    ))
      if (name.startsWith(`${other}.`)) return one + name.slice(other.length);
    return name;
  };
  const isField = (name: string): boolean => reference.includes(`| \`${written(name)}\` |`);
  /** `auth` of `auth.origins`: what begins like this is meant as a field. */
  const isOfSpec = (name: string): boolean => isField(name.split(".")[0] ?? "");
  assert.deepEqual(
    unknown(/^([a-z]+(?:\.[a-z]\w*)+)(?=$|:)/gi, (name) => !isOfSpec(name) || isField(name)),
    [],
  );
  const conditions = read("docs/kubernetes.md");
  assert.deepEqual(
    unknown(
      /^(Ready|BackendsReachable|SyntheticTalk|DurabilityVerified|Rotated|LevelRaised|\w+(?:Missing|Refused|Incomplete|Unreachable|NotReady|Pull))$/g,
      (name) => conditions.includes(`\`${name}`),
    ),
    [],
  );
});
